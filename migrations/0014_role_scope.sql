-- Which roles are given at a place: whoever buys is given one on each order, so that a directory comes to hold many. As
-- much of the scope is indexed as names a subscription.
CREATE INDEX role_assignment_by_scope ON role_assignment (customer_id, substr(scope_key, 1, 51));
