-- Orders of which all was given back, from before this was noted.

UPDATE commerce_order SET status = 'cancelled'
WHERE EXISTS (
    SELECT 1 FROM order_line l WHERE l.customer_id = commerce_order.customer_id AND l.order_id = commerce_order.order_id
) AND NOT EXISTS (
    SELECT 1 FROM order_line l
    WHERE l.customer_id = commerce_order.customer_id AND l.order_id = commerce_order.order_id AND NOT EXISTS (
        SELECT 1 FROM reservation_order o
        WHERE o.customer_id = l.customer_id AND o.reservation_order_id = l.reservation_order_id AND o.state = 'cancelled'));
