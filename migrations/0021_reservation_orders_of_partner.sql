-- One index in place of two: the customers for which a partner pays, and a customer's reservations of that partner, newest first.

DROP INDEX reservation_order_by_partner;
DROP INDEX reservation_order_of_customer;
CREATE INDEX reservation_order_of_partner ON reservation_order (partner_id, customer_id, requested_at);
