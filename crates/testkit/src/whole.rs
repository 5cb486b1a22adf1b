//! What must be true of the data at any instant, looked at past the door (R18).

use crate::database::TestDatabase;

/// Queries that count what is half. Each must count nothing.
const HALVES: [(&str, &str); 13] = [
    (
        "reservation orders without their line of a commercial order",
        "SELECT count(*) FROM reservation_order o WHERE NOT EXISTS (
             SELECT 1 FROM order_line l JOIN commerce_order c ON c.customer_id = l.customer_id AND c.order_id = l.order_id
             WHERE l.customer_id = o.customer_id AND l.order_id = o.order_id AND l.line_number = o.line_number
               AND l.reservation_order_id = o.reservation_order_id)",
    ),
    (
        "commercial orders without a line",
        "SELECT count(*) FROM commerce_order c WHERE NOT EXISTS (
             SELECT 1 FROM order_line l WHERE l.customer_id = c.customer_id AND l.order_id = c.order_id)",
    ),
    (
        "commercial orders that are cancelled though something of them stands, or stand though all was given back",
        "SELECT count(*) FROM commerce_order c WHERE (c.status = 'cancelled') <> (NOT EXISTS (
             SELECT 1 FROM order_line l
             WHERE l.customer_id = c.customer_id AND l.order_id = c.order_id AND NOT EXISTS (
                 SELECT 1 FROM reservation_order o
                 WHERE o.customer_id = l.customer_id AND o.reservation_order_id = l.reservation_order_id
                   AND o.state = 'cancelled')))",
    ),
    (
        "lines of reservations without a reservation order",
        "SELECT count(*) FROM order_line l WHERE l.kind = 'reservation' AND NOT EXISTS (
             SELECT 1 FROM reservation_order o
             WHERE o.customer_id = l.customer_id AND o.reservation_order_id = l.reservation_order_id)",
    ),
    (
        "reservation orders whose reservations are not as many as were bought",
        "SELECT count(*) FROM reservation_order o WHERE o.original_quantity <> (
             SELECT coalesce(sum(r.quantity), 0) FROM reservation r
             WHERE r.customer_id = o.customer_id AND r.reservation_order_id = o.reservation_order_id)",
    ),
    (
        "reservation orders without ledger entries",
        "SELECT count(*) FROM reservation_order o WHERE NOT EXISTS (
             SELECT 1 FROM ledger_entry e WHERE e.customer_id = o.customer_id AND e.subject = o.reservation_order_id)",
    ),
    (
        "ledger events that do not sum to zero",
        "SELECT count(*) FROM (SELECT 1 AS one FROM ledger_entry GROUP BY customer_id, event_id, currency
                               HAVING sum(amount_e6) <> 0) AS unbalanced",
    ),
    (
        "ledger entries of orders that are not there",
        "SELECT count(*) FROM ledger_entry e WHERE NOT EXISTS (
             SELECT 1 FROM reservation_order o WHERE o.customer_id = e.customer_id AND o.reservation_order_id = e.subject)",
    ),
    (
        "reservation orders without exactly one outgoing event",
        "SELECT count(*) FROM reservation_order o WHERE 1 <> (
             SELECT count(*) FROM outgoing_event e
             WHERE e.customer_id = o.customer_id AND e.subject IN (o.reservation_order_id, o.order_id)
               AND e.kind = 'reservation.purchased')",
    ),
    (
        "monthly orders without twelve instalments a year",
        "SELECT count(*) FROM reservation_order o WHERE o.billing_plan = 'Monthly' AND (
             SELECT count(*) FROM instalment i
             WHERE i.customer_id = o.customer_id AND i.reservation_order_id = o.reservation_order_id
         ) <> CASE o.term WHEN 'P1Y' THEN 12 WHEN 'P3Y' THEN 36 ELSE 60 END",
    ),
    (
        "orders of reservations without exactly one activity record",
        "SELECT count(*) FROM commerce_order c WHERE EXISTS (
             SELECT 1 FROM order_line l
             WHERE l.customer_id = c.customer_id AND l.order_id = c.order_id AND l.kind = 'reservation'
         ) AND 1 <> (
             SELECT count(*) FROM activity_record a
             WHERE a.root_id = c.customer_id AND a.outcome = 'succeeded' AND (
                 (a.subject = c.order_id AND a.operation IN ('create_order', 'renew_reservation'))
                 -- One record tells of all that an exchange gave back and bought.
                 OR (a.operation = 'exchange_reservations' AND a.at = c.placed_at)))",
    ),
    (
        "customers whose revision is not the number of their activity records",
        "SELECT count(*) FROM customer c WHERE c.revision <> (
             SELECT count(*) FROM activity_record a WHERE a.root_id = c.customer_id)",
    ),
    (
        "gaps in the activity log",
        "SELECT count(*) FROM customer c WHERE c.revision <> (
             SELECT coalesce(max(a.sequence), 0) FROM activity_record a WHERE a.root_id = c.customer_id)",
    ),
];

/// Fails when any purchase is half: an order without its reservation, ledger entries, activity record or outgoing event,
/// or one of these without the others.
///
/// # Panics
/// Naming what is half.
pub async fn assert_all_whole(database: &TestDatabase) {
    for (what, query) in HALVES {
        let count = database.number(query).await;
        assert_eq!(count, 0, "{what}: {count}");
    }
}
