-- The pages' list of a customer's reservations, newest first, in the order of an index.

CREATE INDEX reservation_order_of_customer ON reservation_order (customer_id, partner_id, requested_at);
