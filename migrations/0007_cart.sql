-- A Partner Center cart: what a partner is about to buy for a customer. It can be seen until a quarter of an hour after its
-- last change, and for good once it was bought.

CREATE TABLE cart (
    customer_id TEXT   NOT NULL REFERENCES customer (customer_id),
    cart_id     TEXT   NOT NULL UNIQUE,
    partner_id  TEXT   NOT NULL REFERENCES partner (partner_id),
    status      TEXT   NOT NULL CHECK (status IN ('Active', 'Ordered')),
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT   NOT NULL, -- object id
    ordered_by  TEXT,            -- the caller's name for the request that bought it
    PRIMARY KEY (customer_id, cart_id)
);

-- Its lines, in the caller's words; right or wrong.
CREATE TABLE cart_line (
    customer_id   TEXT   NOT NULL,
    cart_id       TEXT   NOT NULL,
    line_number   BIGINT NOT NULL,
    item          TEXT   NOT NULL,
    quantity      BIGINT NOT NULL,
    billing_cycle TEXT   NOT NULL,
    term          TEXT,
    subscription  TEXT,
    scope         TEXT,
    duration      TEXT,
    name          TEXT,
    currency      TEXT,
    unsupported   TEXT,            -- a member of the line that this server does not know how to serve
    order_group   TEXT   NOT NULL, -- lines of one group become one order
    error_code    BIGINT,
    error_text    TEXT,
    PRIMARY KEY (customer_id, cart_id, line_number),
    FOREIGN KEY (customer_id, cart_id) REFERENCES cart (customer_id, cart_id),
    CHECK ((error_code IS NULL) = (error_text IS NULL))
);
