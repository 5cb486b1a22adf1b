### Add products: the partner buys reservations for a customer.

wizard-steps = Steps
wizard-step-subscription = Subscription
wizard-step-products = Products
wizard-step-review = Review your order
wizard-step-buy = Buy
wizard-step-done = Confirmation
wizard-missing = What is missing
wizard-no-agreement = The customer agreement is not confirmed. Nothing can be bought until it is.
wizard-to-account = Confirm the agreement on the Account page
wizard-no-subscription = The customer has no Azure plan or Azure subscription from you. Reservations are bought on one.
wizard-none-registered = No subscription is registered for reservations yet. Register one below.
wizard-none-active = No subscription of the customer is active. Resume one first.
wizard-to-subscriptions = Go to Subscriptions
wizard-choose = Which subscription do you buy on?
wizard-choose-subscription = Choose an active subscription to buy on.
wizard-register = Register { $name } for reservations
wizard-next = Continue
notice-registered = The subscription is registered for reservations.
wizard-buying-on = You are buying on { $name }.
wizard-kind = Reservation type
wizard-any-kind = All types
wizard-family = Family
wizard-any-family = All families
wizard-region = Region
wizard-any-region = All regions
wizard-any-term = All terms
wizard-size = Size
wizard-quantity-of = Quantity of { $item }, { $region }, { $term }
wizard-add = Add to cart
wizard-add-item = Add to cart: { $item }
wizard-prices-are = Prices are for one instance and the whole term.
wizard-no-offers = Nothing found
wizard-no-offers-text = Nothing that is sold to this customer fits the filters. Remove one to see more.
wizard-in-cart = { $count ->
    [0] Your cart is empty.
    [one] { $count } item in your cart.
   *[other] { $count } items in your cart.
  }
wizard-cart-full = A cart holds at most { $most } lines. Buy these first.
wizard-review = Review
notice-added-to-cart = Added to the cart.
notice-cart-updated = The cart is updated.
wizard-scope-single = Single: the subscription you buy on
wizard-scope-locked = Under an Azure plan the scope is Shared: the benefit applies to all the customer’s subscriptions from you.
wizard-remove = Remove { $item }
wizard-remove-line = Remove
wizard-update = Update
wizard-more = Add more
wizard-cart-empty = Your cart is empty.
wizard-cart-gone = The cart is no longer there
wizard-cart-gone-text = A cart is kept for 15 minutes after its last change.
wizard-start-again = Start again
wizard-check-quantities = Check the quantities. Nothing has been changed.
wizard-cannot-buy = The cart cannot be bought as it is. Each item says what is wrong with it.
wizard-pays-in-all = { $customer } pays in all:
wizard-you-are-billed = When you buy, you are billed for this order.
wizard-you-pay-in-all = You pay { $amount }.
wizard-buy = Buy
wizard-back = Back to review
wizard-bought = Thank you
wizard-bought-text = The order for { $customer } is placed.
wizard-finish = Done
wizard-buy-more = Buy more
