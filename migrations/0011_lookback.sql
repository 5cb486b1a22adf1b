-- Searches of the activity log by customer, by operation and by who did it, each along an index of its own.

DROP INDEX activity_record_by_customer;
CREATE INDEX activity_record_of_customer ON activity_record (partner_id, customer_id, at, root_id, sequence);
CREATE INDEX activity_record_of_operation ON activity_record (partner_id, operation, at, root_id, sequence);
CREATE INDEX activity_record_of_actor ON activity_record (partner_id, actor_name, at, root_id, sequence);

-- What stands on the first page of the dashboard: what customers bought lately, who was given the permission lately.
CREATE INDEX commerce_order_by_side ON commerce_order (partner_id, bought_by, placed_at);
CREATE INDEX self_serve_policy_by_partner ON self_serve_policy (partner_id, granted_at);
