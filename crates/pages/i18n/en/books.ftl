### What was charged and what was given back: statements, bills, the limit and the rules of returns.

nav-statement = Statement
nav-billing = Billing
nav-returns = Returns
nav-refund-rules = Rules of returns

statement-month = Month
statement-days = { $from } – { $until }
statement-from = From
statement-to = To
statement-period = Period
statement-lines = Lines of the statement
statement-day = Day
statement-kind = Kind
statement-what = What
statement-currency = Currency
statement-instalment = { $item }, instalment { $number } of { $of }
statement-total = Total
statement-export = Export to CSV
statement-pdf = Save as PDF
statement-none = Nothing was charged
statement-none-text = There is no purchase, instalment or return in this month.
statement-hidden = Nothing that you may see
statement-hidden-text = { $count ->
    [one] There is one charge in this month, for a reservation that your roles do not let you see.
   *[other] There are { $count } charges in this month, for reservations that your roles do not let you see.
  }
statement-left-out = { $count ->
    [one] One line is left out, and not in the total: your roles do not let you see the reservation it is for.
   *[other] { $count } lines are left out, and not in the total: your roles do not let you see the reservations they are for.
  }
statement-print = Print this page to get the statement by itself.

ledger-purchase = Purchase
ledger-instalment = Instalment
ledger-refund = Return
ledger-fee = Early termination fee
ledger-exchange-return = Exchange, given back
ledger-exchange-purchase = Exchange, bought
ledger-renewal = Renewal

billing-lead = What you owe your supplier for everything that you and your customers bought. An invoice is made for each month that is over.
billing-unbilled = Not invoiced yet
billing-unbilled-none = Nothing has been charged this month so far.
billing-invoices = Invoices
billing-invoice = Invoice { $number }
billing-number = Number
billing-date = Invoice date
billing-lines = Show the lines
billing-none = No invoices yet
billing-none-text = The first invoice is made when the month of the first purchase is over.

returns-lead = Each return for money counts against a limit for the months named below. After that its amount is free again.
returns-consumed = Counted now
returns-left = Left
returns-ledger = Returns
returns-none = Nothing has been returned
returns-none-text = Returns for money are listed here with what they count against the limit, and until when. Exchanges do not count.
returns-at = Returned
returns-until = Counts until
returns-counts = Counts
returns-over = No longer counts
returns-explain = Explain the return of { $at }
returns-partner = What comes back to you from your supplier
returns-to-rules = All policies and conversion rates

rules-lead = Returns and exchanges go by these figures. A quote keeps what it was made with.
rules-policies = Policies
rules-rates = Conversion rates
rules-rates-text = The limit is in US dollars. What is returned in another currency is compared with it at the rate of the day.
rules-holds = In force
rules-to-come = To come
rules-past = Replaced
rules-valid-from = Valid from
rules-full-refund = Full refund within
rules-full-refund-hint = A whole number of days from 0 to 366.
rules-fee-hint = Per cent of what comes back, from 0 to 100.
rules-limit-hint = An amount in { $currency }, 0 or more, no finer than a cent.
rules-window = Counts for
rules-window-hint = A whole number of months from 1 to 120.
rules-days = { $days ->
    [one] { $days } day
   *[other] { $days } days
  }
rules-months = { $months ->
    [one] { $months } month
   *[other] { $months } months
  }
rules-percent = { $percent }%
rules-rate = { $rate } { $currency } for 1 { $limit }
rules-rate-label = Rate
rules-rate-hint = How many units of the currency 1 { $currency } is worth: larger than 0, at most 1,000,000.
rules-currency-hint = Three letters, such as EUR.
rules-set-policy = Set policy
rules-set-rate = Set rate
rules-policy-lead = From the day you choose, returns go by these figures. Quotes that were made before keep theirs.
rules-rate-lead = From the day you choose, amounts in the currency are compared with the limit at this rate.
rules-save = Save
rules-admin-only = Only an Admin agent can set policies and rates.

reservation-deeds = Change
reservation-deeds-text = Each opens in the portal of { $customer }, on the customer’s behalf. What you do there is recorded as yours.
reservation-deeds-one = It opens in the portal of { $customer }, on the customer’s behalf. What you do there is recorded as yours.

bill-to-edit = Edit bill-to
bill-to-lead = Whom the bills of { $customer } are made out to. Its name and its country ({ $country }) stay as they are.
save = Save

notice-bill-to-saved = The bill-to information is saved.
notice-rule-set = The rule is set.
