-- The ledger as transfers: a row takes an amount from one account (`credit`) and gives it to another (`debit`), so that the
-- entries of an event sum to zero whoever writes it. An account is one of a customer, a partner and a currency. What keeps rows
-- from being changed or removed is said anew at each start, in the words of the database: see `store/src/db`.

CREATE TABLE ledger_transfer (
    customer_id TEXT   NOT NULL,
    event_id    TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    partner_id  TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    debit       TEXT   NOT NULL,
    credit      TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    amount_e6   BIGINT NOT NULL,
    subject     TEXT   NOT NULL, -- the reservation order
    quantity    BIGINT NOT NULL, -- for how many instances
    kind        TEXT   NOT NULL,
    PRIMARY KEY (customer_id, event_id, number)
);

-- Entries came in pairs. One whose counterpart is not there, or does not match, gets no account to take from, which the table
-- refuses: then this step is not made, and nothing is lost.
INSERT INTO ledger_transfer
  (customer_id, event_id, number, partner_id, at, debit, credit, currency, amount_e6, subject, quantity, kind)
SELECT d.customer_id, d.event_id, (d.number + 1) / 2, d.partner_id, d.at, d.account,
       CASE WHEN d.number % 2 = 1 AND c.amount_e6 = -d.amount_e6 AND c.currency = d.currency AND c.kind = d.kind
                 AND c.at = d.at AND c.subject = d.subject AND c.partner_id = d.partner_id THEN c.account END,
       d.currency, d.amount_e6, d.subject,
       -- Of returns what was returned, of the rest what had not been returned by then.
       CAST(coalesce(CASE WHEN d.kind IN ('refund', 'fee', 'exchange-return') THEN (
           SELECT sum(r.quantity) FROM reservation_return r
           WHERE r.customer_id = d.customer_id AND r.reservation_order_id = d.subject AND r.at = d.at)
       ELSE (
           SELECT o.original_quantity - coalesce((
               SELECT sum(r.quantity) FROM reservation_return r
               WHERE r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id AND r.at < d.at), 0)
           FROM reservation_order o
           WHERE o.customer_id = d.customer_id AND o.reservation_order_id = d.subject)
       END, 1) AS BIGINT),
       d.kind
FROM ledger_entry d
LEFT JOIN ledger_entry c ON c.customer_id = d.customer_id AND c.event_id = d.event_id AND c.number = d.number + 1
WHERE d.number % 2 = 1 OR NOT EXISTS (
    SELECT 1 FROM ledger_entry b
    WHERE b.customer_id = d.customer_id AND b.event_id = d.event_id AND b.number = d.number - 1);

DROP TABLE ledger_entry;
CREATE INDEX ledger_transfer_by_time ON ledger_transfer (partner_id, at);

-- The entries, two of each transfer.
CREATE VIEW ledger_entry AS
SELECT customer_id, event_id, number * 2 - 1 AS number, partner_id, at, debit AS account, currency, amount_e6, subject, quantity,
       kind
FROM ledger_transfer
UNION ALL
SELECT customer_id, event_id, number * 2, partner_id, at, credit, currency, -amount_e6, subject, quantity, kind
FROM ledger_transfer;
