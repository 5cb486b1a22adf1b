-- The dashboard's list of customers is searched by parts of names and domains: each index holds both, so that what does not
-- match is passed over without reading rows.

DROP INDEX relationship_by_name;
DROP INDEX relationship_by_domain;
CREATE INDEX relationship_by_name ON relationship (partner_id, name_key, customer_id, domain);
CREATE INDEX relationship_by_domain ON relationship (partner_id, domain, customer_id, name_key);

-- Who turned the permission on or off, found among all that happened to a customer.
CREATE INDEX activity_record_of_permission ON activity_record (root_id, sequence)
    WHERE operation IN ('create_self_serve_policy', 'update_self_serve_policy', 'delete_self_serve_policy');
