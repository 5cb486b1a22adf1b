### The customer portal: subscriptions and reservations.

portal-on-behalf = You are acting for { $customer } as { $partner }. What you do here is recorded as yours.
portal-leave = Leave and go back to the dashboard
portal-subscription-name = Name
portal-subscription-id = Subscription ID
portal-status = Status
portal-roles = Your roles
portal-role-inside = A role on something in it
portal-partner = Partner
portal-no-subscriptions = No subscriptions
portal-no-subscriptions-text = Subscriptions on which you have a role are listed here. Ask an Owner or your partner to give you one.
portal-no-subscriptions-behalf = Here you see the subscriptions on which you have a role yourself. An Owner of one, or an Admin agent of yours, can give you a role. What was bought is on the dashboard.
portal-to-dashboard = Go to the dashboard
portal-may-buy = You can buy reservations on this subscription.
portal-may-buy-behalf = You can buy reservations on this subscription for the customer.
portal-cancel = Cancel

reservations-name = Name
reservations-expires = Expires
reservations-starts = Starts
reservations-no-usage = No usage yet
reservations-no-usage-over = No usage is known of the time when it gave benefit.
reservations-no-usage-text = No usage yet. Once usage has been rated, this shows how much of the reservation was used.
reservations-bought-by = Bought by
reservations-buyer = { $name } ({ $side })
reservations-none = No reservations
reservations-none-text = Reservations that you or your partner bought, and that you may see, are listed here.
reservations-none-acting = Reservations that were bought for the customer, and that you may see, are listed here.
reservations-none-behalf = Here you see the reservations on which you have a role yourself. An Owner of one, or an Admin agent of yours, can give you a role. All that was bought is on the dashboard.
reservations-overview = Overview
reservations-properties = Properties
reservations-history = History
reservations-id = Reservation ID
reservations-order-id = Reservation order ID
reservations-order-number = Order number
reservations-bought-at = Bought
reservations-changed-at = Last changed
reservations-review-at = Reminder
reservations-flexibility = Instance size flexibility
reservations-renewal = Automatic renewal
reservations-on = On
reservations-off = Off
reservations-rename = Rename
reservations-split = Split
reservations-merge = Merge
over-expired = This reservation is over: its term ended on { $at } UTC.
over-returned = This reservation is over: { $who } returned it on { $at } UTC.
over-exchanged = This reservation is over: { $who } exchanged it for another one on { $at } UTC.
over-split = This reservation is over: { $who } split it in two on { $at } UTC. It went on as its parts.
over-merged = This reservation is over: { $who } merged it with another one on { $at } UTC. What they became gives its benefit now.
reservations-role-missing = Your role does not allow it.
reservations-split-one = There is only one instance.
reservations-merge-none = There is no other active reservation of the same order with the same scope.
reservations-partners = Changes that only the partner makes
reservations-partners-only = { $partner } pays for this reservation. To exchange or return it, renew it or change its scope, ask { $contact }.
reservations-partners-own = You act for the partner that pays for this reservation. What you change here is recorded as yours.

history-at = When (UTC)
history-who = Who
history-what = What
history-hidden-from-you = Your role does not let you see the history.
history-bought = Bought
history-from-split = Came of a split
history-from-merge = Came of a merge
history-renewal = Came of a renewal
history-renamed = Renamed from { $old } to { $new }
history-scope = Scope changed from { $old } to { $new }
history-quantity = Quantity changed from { $old } to { $new }
history-flexibility = Instance size flexibility changed from { $old } to { $new }
history-renewal-set = Automatic renewal changed from { $old } to { $new }
history-review = Reminder changed
history-renewed = Renewed
history-first-used = Usage came in: used for the first time on { $at } UTC
history-hidden = Hidden from lists
history-shown = Shown in lists again
history-split = Split in two
history-merged = Merged into another reservation
history-returned = Returned
history-exchanged = Exchanged
history-changed = Changed
history-expired = The term ended

related-split-from = Split from
related-split-into = Split into
related-merged-into = Merged into
related-merged-from = Merged from
related-renewed-as = Renewed as
related-renewed-from = Renewal of

change-new-name = New name
change-rename-lead = The name is for people only. Nothing else of the reservation changes.
change-split-lead = Two reservations take the place of this one, with the same term, price and scope. Together they give the same benefit.
change-split-first = Instances in the first part
change-split-hint = { $most ->
    [one] Only 1 is possible; the second part gets the other one.
   *[other] From 1 to { $most }. The second part gets the rest.
  }
change-split-wrong = { $most ->
    [one] Only 1 is possible.
   *[other] Give a whole number from 1 to { $most }.
  }
change-merge-lead = One reservation takes the place of two, with the same term, price and scope.
change-merge-other = Merge with
reservation-of-quantity = { $name }, quantity { $quantity }
reservation-ending-in = { $name }, ID …{ $end }
change-merge-wrong = Choose a reservation from the list.
change-scope-lead = The benefit applies to the new scope from the next hour on.
change-renewal-is-on = Automatic renewal is on: when the term ends, the same reservation is bought again at the price of that day.
change-renewal-is-off = Automatic renewal is off: the reservation ends with its term.
change-renewal-on = Turn automatic renewal on
change-renewal-off = Turn automatic renewal off
change-renew-now = Renew now
change-renew-lead = A reservation that follows this one is bought now, at the price of today. Its term begins on { $at } UTC.
change-renew-price = Price of the renewal

notice-renamed = The reservation has a new name.
notice-split = The reservation is split in two. This is the first part.
notice-merged = The reservations are merged. This is what became of them.
notice-scope-changed = The scope is changed.
notice-renewal-set = Automatic renewal is changed.
notice-renewed = The renewal is bought.
