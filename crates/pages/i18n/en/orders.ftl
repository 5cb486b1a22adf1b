### Order history and Azure reservations of a customer.

pager-previous = Previous page
orders-show = Show
orders-anyone = Anyone
orders-bought-by = Bought by
orders-state = Status
orders-any-state = Any status
orders-product = Product
orders-items = Items
orders-quantity = Quantity
orders-total = Total
orders-completed = Completed
orders-cancelled = Cancelled
orders-and-more = { $item } and { $count } more
orders-count = { $count ->
    [one] { $shown } order
   *[other] { $shown } orders
  }
orders-summary = { $count }. Ordered for { $total }, without those that were cancelled.
orders-none = No orders yet
orders-none-text = What you buy for the customer, and what the customer buys when you allow it, is listed here.
orders-none-found = Nothing found
orders-none-found-text = Nothing fits the filters. Remove one to see more.
order-title = Order { $number }
order-number = Order number
order-id = Order ID
order-date = Date
order-billing = Billing frequency
order-customer-pays = The customer pays
order-you-pay = You pay
order-item = Item
order-term = Term
order-list-price = List price
order-list-price-each = List price, each
order-customer-price = Customer’s price
order-customer-price-each = Customer’s price, each
order-cost = Your cost
order-cost-each = Your cost, each
reservations-any-state = Any status
reservations-active = Active
reservations-expiring = Expiring soon
reservations-expired = Expired
reservations-ended = Returned, exchanged, split or merged
reservations-hidden-too = Any status, hidden ones too
bought-none = No reservations yet
bought-none-text = Reservations that you buy for the customer, and those the customer buys when you allow it, are listed here.
reservation-name = Name
reservation-scope = Scope
reservation-starts = Starts
reservation-expires = Expires
reservation-renew = Automatic renewal
reservation-flexibility = Instance size flexibility
reservation-yes = On
reservation-no = Off
reservation-overview = Overview
reservation-prices = Prices for the whole term
reservation-customer-pays = The customer pays for { $quantity }
reservation-you-pay = You pay for { $quantity }
reservation-properties = Properties
reservation-id = Reservation ID
reservation-order-id = Reservation order ID
reservation-subscription = Billing subscription
reservation-changed = Last changed
reservation-changed-by = Changed by
reservation-instalments = Instalments of the order
reservation-instalments-text = { $count ->
    [one] They are for the whole order as it was bought, of { $shown } instance.
   *[other] They are for the whole order as it was bought, of { $shown } instances.
  }
reservation-instalment = Number
reservation-due = Due
reservation-billed = Charged
reservation-planned = Planned
reservation-manage = Manage
reservation-hint = Exchange, return, renewal and change of scope are yours to do: the customer cannot. Manage opens the portal of { $customer } on the customer’s behalf.
