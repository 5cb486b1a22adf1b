-- What happens to a reservation after it is bought: where it came from, what it became, who changed it, what it was before.

ALTER TABLE reservation ADD COLUMN ending TEXT CHECK (ending IN ('split', 'merged', 'returned', 'exchanged'));
ALTER TABLE reservation ADD COLUMN split_from TEXT;    -- a reservation of the same order
ALTER TABLE reservation ADD COLUMN merged_into TEXT;   -- likewise
ALTER TABLE reservation ADD COLUMN renewed_from TEXT;  -- order/reservation
ALTER TABLE reservation ADD COLUMN renewed_as TEXT;    -- order/reservation
ALTER TABLE reservation ADD COLUMN renewal_terms TEXT; -- JSON; none: the same again
ALTER TABLE reservation ADD COLUMN first_used_at BIGINT;
ALTER TABLE reservation ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reservation ADD COLUMN changed_on_side TEXT NOT NULL DEFAULT 'customer'
    CHECK (changed_on_side IN ('customer', 'partner'));
ALTER TABLE reservation ADD COLUMN changed_by TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
ALTER TABLE reservation ADD COLUMN changed_by_name TEXT NOT NULL DEFAULT '';

UPDATE reservation SET
    created_at = updated_at,
    changed_on_side = (SELECT o.bought_by FROM reservation_order o
        WHERE o.customer_id = reservation.customer_id AND o.reservation_order_id = reservation.reservation_order_id),
    changed_by = (SELECT o.buyer_id FROM reservation_order o
        WHERE o.customer_id = reservation.customer_id AND o.reservation_order_id = reservation.reservation_order_id),
    changed_by_name = (SELECT o.buyer_name FROM reservation_order o
        WHERE o.customer_id = reservation.customer_id AND o.reservation_order_id = reservation.reservation_order_id);

-- What a reservation was before each change; the present is in `reservation`.
CREATE TABLE reservation_revision (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    display_name         TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    applied_scope        TEXT,
    instance_flexibility TEXT   NOT NULL,
    renew                BIGINT NOT NULL,
    archived             BIGINT NOT NULL,
    state                TEXT   NOT NULL,
    etag                 BIGINT NOT NULL,
    review_at            BIGINT,
    updated_at           BIGINT NOT NULL,
    ending               TEXT,
    split_from           TEXT,
    merged_into          TEXT,
    renewed_from         TEXT,
    renewed_as           TEXT,
    renewal_terms        TEXT,
    first_used_at        BIGINT,
    created_at           BIGINT NOT NULL,
    changed_on_side      TEXT   NOT NULL,
    changed_by           TEXT   NOT NULL,
    changed_by_name      TEXT   NOT NULL,
    PRIMARY KEY (customer_id, reservation_id, etag)
);
