-- Who accepted the customer agreement for a customer, and when. The newest row says it; the relationship has the fact.

CREATE TABLE agreement (
    customer_id TEXT   NOT NULL,
    partner_id  TEXT   NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT   NOT NULL, -- object id of the partner's user
    agreed_on   TEXT   NOT NULL, -- 2026-11-30
    first_name  TEXT   NOT NULL,
    last_name   TEXT   NOT NULL,
    email       TEXT   NOT NULL,
    phone       TEXT,
    PRIMARY KEY (customer_id, partner_id, recorded_at),
    FOREIGN KEY (customer_id, partner_id) REFERENCES relationship (customer_id, partner_id)
);
