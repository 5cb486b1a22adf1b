-- What comes into being together lies together. Identifiers of purchases begin with the moment (`beside`, in the domain), and
-- the keys of these tables now begin with the identifier: a purchase is added at the end of each index, beside those of other
-- customers at that moment, in place of a page of its own for each customer. An identifier may still be there once for each
-- customer, but for that of a reservation order, which is one of a kind as before.
--
-- A customer's reservations are found by its orders, and its log by the number of each record: an index less for both. What counts
-- for someone, anywhere or at a subscription, is found by who it is; who has a role at a scope, by the scope.
--
-- What holds an order together comes from one decision and is written in one piece; PostgreSQL looked up and locked what each
-- row belongs to, for every purchase. What waits to be told to the outside is found by nobody by its time.

CREATE TABLE keyed_commerce_order (
    customer_id   TEXT   NOT NULL,
    order_id      TEXT   NOT NULL,
    partner_id    TEXT   NOT NULL,
    placed_at     BIGINT NOT NULL,
    billing_cycle TEXT   NOT NULL,
    currency      TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    bought_by     TEXT   NOT NULL,
    buyer_id      TEXT   NOT NULL,
    buyer_name    TEXT   NOT NULL,
    PRIMARY KEY (order_id, customer_id)
);
INSERT INTO keyed_commerce_order SELECT * FROM commerce_order;

CREATE TABLE keyed_order_line (
    customer_id          TEXT   NOT NULL,
    order_id             TEXT   NOT NULL,
    line_number          BIGINT NOT NULL,
    kind                 TEXT   NOT NULL,
    catalog_item_id      TEXT   NOT NULL,
    name                 TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    term                 TEXT,
    list_unit_e6         BIGINT NOT NULL,
    partner_unit_e6      BIGINT NOT NULL,
    customer_unit_e6     BIGINT NOT NULL,
    subscription_id      TEXT,
    entitlement_id       TEXT,
    reservation_order_id TEXT,
    PRIMARY KEY (order_id, customer_id, line_number)
);
INSERT INTO keyed_order_line SELECT * FROM order_line;

CREATE TABLE keyed_reservation_order (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    partner_id           TEXT   NOT NULL,
    order_id             TEXT   NOT NULL,
    line_number          BIGINT NOT NULL,
    subscription_id      TEXT   NOT NULL,
    display_name         TEXT   NOT NULL,
    sku                  TEXT   NOT NULL,
    region               TEXT   NOT NULL,
    resource_type        TEXT   NOT NULL,
    term                 TEXT   NOT NULL,
    billing_plan         TEXT   NOT NULL,
    original_quantity    BIGINT NOT NULL,
    currency             TEXT   NOT NULL,
    list_unit_e6         BIGINT NOT NULL,
    partner_unit_e6      BIGINT NOT NULL,
    customer_unit_e6     BIGINT NOT NULL,
    requested_at         BIGINT NOT NULL,
    starts_at            BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL,
    state                TEXT   NOT NULL,
    etag                 BIGINT NOT NULL,
    bought_by            TEXT   NOT NULL,
    buyer_id             TEXT   NOT NULL,
    buyer_name           TEXT   NOT NULL,
    PRIMARY KEY (reservation_order_id)
);
INSERT INTO keyed_reservation_order SELECT * FROM reservation_order;

CREATE TABLE keyed_reservation (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    display_name         TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    scope_type           TEXT   NOT NULL,
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
    created_at           BIGINT NOT NULL DEFAULT 0,
    changed_on_side      TEXT   NOT NULL DEFAULT 'customer',
    changed_by           TEXT   NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    changed_by_name      TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (reservation_order_id, reservation_id)
);
INSERT INTO keyed_reservation SELECT * FROM reservation;

CREATE TABLE keyed_instalment (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    number               BIGINT NOT NULL,
    due_on               TEXT   NOT NULL,
    partner_e6           BIGINT NOT NULL,
    customer_e6          BIGINT NOT NULL,
    posted_event         TEXT,
    PRIMARY KEY (reservation_order_id, number)
);
INSERT INTO keyed_instalment SELECT * FROM instalment;

CREATE TABLE keyed_outgoing_event (
    customer_id  TEXT   NOT NULL,
    event_id     TEXT   NOT NULL,
    partner_id   TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    subject      TEXT   NOT NULL,
    delivered_at BIGINT,
    PRIMARY KEY (event_id, customer_id)
);
INSERT INTO keyed_outgoing_event SELECT * FROM outgoing_event;

CREATE TABLE keyed_role_assignment (
    customer_id        TEXT   NOT NULL,
    role_assignment_id TEXT   NOT NULL,
    principal_id       TEXT   NOT NULL,
    principal_type     TEXT   NOT NULL,
    role_definition_id TEXT   NOT NULL,
    scope              TEXT   NOT NULL,
    scope_key          TEXT   NOT NULL,
    description        TEXT,
    created_at         BIGINT NOT NULL,
    created_by         TEXT   NOT NULL,
    PRIMARY KEY (role_assignment_id, customer_id),
    UNIQUE (scope_key, customer_id, principal_id, role_definition_id)
);
INSERT INTO keyed_role_assignment SELECT * FROM role_assignment;

CREATE TABLE keyed_reservation_return (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    return_id            TEXT   NOT NULL,
    session_id           TEXT   NOT NULL,
    partner_id           TEXT   NOT NULL REFERENCES partner (partner_id),
    kind                 TEXT   NOT NULL CHECK (kind IN ('refund', 'exchange')),
    at                   BIGINT NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    running              BIGINT NOT NULL,
    currency             TEXT   NOT NULL,
    customer_share_e6    BIGINT NOT NULL,
    partner_share_e6     BIGINT NOT NULL,
    customer_refund_e6   BIGINT NOT NULL,
    partner_refund_e6    BIGINT NOT NULL,
    counted_e6           BIGINT NOT NULL, -- against the limit of returns
    counted_currency     TEXT   NOT NULL,
    returned_by          TEXT   NOT NULL,
    reason               TEXT,
    PRIMARY KEY (customer_id, return_id),
    FOREIGN KEY (reservation_order_id) REFERENCES keyed_reservation_order (reservation_order_id)
);
INSERT INTO keyed_reservation_return SELECT * FROM reservation_return;

DROP TABLE reservation_return;
DROP TABLE instalment;
DROP TABLE reservation;
DROP TABLE reservation_order;
DROP TABLE order_line;
DROP TABLE commerce_order;
DROP TABLE outgoing_event;
DROP TABLE role_assignment;

ALTER TABLE keyed_commerce_order RENAME TO commerce_order;
ALTER TABLE keyed_order_line RENAME TO order_line;
ALTER TABLE keyed_reservation_order RENAME TO reservation_order;
ALTER TABLE keyed_reservation RENAME TO reservation;
ALTER TABLE keyed_instalment RENAME TO instalment;
ALTER TABLE keyed_outgoing_event RENAME TO outgoing_event;
ALTER TABLE keyed_role_assignment RENAME TO role_assignment;
ALTER TABLE keyed_reservation_return RENAME TO reservation_return;

CREATE INDEX commerce_order_by_time ON commerce_order (customer_id, partner_id, placed_at);
CREATE INDEX commerce_order_by_side ON commerce_order (partner_id, bought_by, placed_at);
CREATE INDEX reservation_order_running ON reservation_order (expires_at) WHERE state = 'succeeded';
CREATE INDEX instalment_waiting ON instalment (due_on) WHERE posted_event IS NULL;
CREATE INDEX role_assignment_of_principal ON role_assignment (customer_id, principal_id, substr(scope_key, 1, 51));
DROP INDEX activity_record_of_customer;
CREATE INDEX reservation_return_by_order ON reservation_return (customer_id, reservation_order_id);
