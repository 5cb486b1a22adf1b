### What was used, what was covered, and what to buy.

nav-usage = Usage
nav-what-to-buy = What to buy

usage-pages = Pages about usage
usage-overview = Overview
usage-chargeback = Charge-back
usage-explain = Explain an hour
usage-none = No usage yet
usage-none-partner = Bring in this customer's hourly usage with “fullmakt import usage” or POST /fullmakt/v1/usage. Minutes later, this shows what reservations covered and saved.
usage-none-customer = Here you will see what your reservations cover and save, as soon as your partner has brought in your usage. Subscriptions on which you have no role are not shown.
usage-known = Usage is known for { $known } out of { $all } hours, up to { $end } UTC.
usage-waiting = { $days ->
    [one] The figures of one day are being made anew.
   *[other] The figures of { $days } days are being made anew.
  }
usage-period = Period
usage-last-days = { $days ->
    [one] Last day
   *[other] Last { $days } days
  }
usage-day = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  }
usage-heading-day = Day
usage-hours = { $hours } h
usage-coverage = Coverage
usage-coverage-hint = of the instance hours that ran were covered by a reservation
usage-utilization = Utilisation
usage-utilization-1-7-30 = Utilisation, 1 · 7 · 30 days
usage-utilization-hint = of the reserved instance hours were used
usage-saved = Saved
usage-saved-hint = against pay as you go, at the customer's price, unused hours deducted
usage-saved-hint-own = against pay as you go, at your price, unused hours deducted
usage-saved-at-list = Saved at list price
usage-saved-at-list-hint = what it would have been had the reservations been bought at list price
usage-unused = Unused hours
usage-unused-cost = Unused cost
usage-unused-cost-hint = reserved and not used
usage-pay-as-you-go = Pay as you go
usage-pay-as-you-go-hint = for what no reservation covered
usage-covered = Covered hours
usage-not-covered = Not covered
usage-consumed = Instance hours
usage-covered-cost = Covered, cost
usage-covered-saved = Covered, saved
usage-reserved = Reserved hours
usage-used = Used hours
usage-reservation = Reservation
usage-reservations = Reservations
usage-no-reservations = No reservation was active in this period.
usage-subscription = Subscription
usage-subscriptions = Subscriptions
usage-by-day = Day by day
usage-chart-description = Instance hours of each day, covered by reservations and not. Of the whole period { $percent } was covered. The table below has the same figures.
usage-reservation-description = Reserved hours of each day, used and unused. In the last 30 days { $percent } was used and { $unused } hours were not. The table below has the same figures.
usage-its-last-days = { $days ->
    [one] Its last day
   *[other] Its last { $days } days
  }
usage-its-last-description = Reserved hours of each of its last days, used and unused. In all { $percent } was used and { $unused } hours were not. The table below has the same figures.
usage-reaches-further = Reservations also covered usage in subscriptions on which you have no role. It counts in what reservations were used for and saved, but not in coverage, pay as you go and what is listed by subscription and by day.
usage-covered-by-others = Some of this usage was covered by reservations that you have no role on. It counts in coverage and in what is listed by subscription and by day, but not in what reservations were used for and saved.
usage-figure-last-days = { $figure } in the last { $days } days
usage-figure-its-days = { $figure } in its last { $days } days
usage-as-agent = As an agent of the partner you see usage here as on the dashboard, whatever your roles with the customer.
usage-and-before = { $last } (the same time before: { $before })

usage-chargeback-lead = What each subscription and resource group costs: the reserved hours that covered its usage, the unused hours of reservations charged to it, and what it paid as it went. What a shared reservation leaves unused is charged to the subscription it was bought on.
chargeback-reaches-further = Reservations also covered usage in subscriptions on which you have no role. What that cost is not in this table.
chargeback-covered-by-others = Some of this usage was covered by reservations that you have no role on. What they left unused is not in this table.
usage-from = From
usage-until = To
usage-no-date = Enter a date.
usage-ends-before = The period ends before it begins.
usage-too-long = A period has at most { $days } days.
usage-group = Resource group
usage-no-group = None
usage-total = Total
usage-without = Without reservations
usage-charges-in = Charges in { $currency }
usage-export = Export to CSV
usage-rounding = Amounts are rounded here. The file has all decimals, and there the rows add up to the total to the last digit.

explain-lead = Which reservation took which part of the usage in an hour, in which order, what was left and why.
explain-hour = Hour (UTC)
explain-hour-hint = Minutes do not count.
explain-hour-wrong = Enter a date and a time.
explain-line = Line
explain-line-hint = The number of a line, to see it alone.
explain-line-wrong = The number of a line is a whole number.
explain-reservation = Reservation
explain-reservation-hint = To see the lines it took.
explain-reservation-wrong = Choose one of the reservations.
explain-all = All
explain-show = Explain
explain-asked = The hour from { $hour } UTC.
explain-nothing = Nothing to explain
explain-nothing-hour = In this hour nothing ran and no reservation was active, or its usage is not known.
explain-nothing-line = There is no such line in this hour. The same number may stand in other hours.
explain-nothing-reservation = This reservation was not active in this hour, or the usage of the hour is not known.
explain-hours = Hours
explain-hour-before = Hour before
explain-hour-after = Hour after
explain-lines = Usage lines, in the order in which they are covered
explain-resource = Resource
explain-size = Size
explain-quantity = Instance hours
explain-taken = Covered by
explain-nobody = No reservation
explain-part = { $hours } h by { $reservation } in pass { $pass }, cost { $cost }
explain-other-reservation = a reservation that you may not see
explain-rest = Not covered
explain-no-lines = There is no usage to list here in this hour.
explain-reaches-further = Reservations also covered usage in subscriptions on which you have no role. It counts in their used hours, but its lines are not listed.
explain-reservations = Reservations, in the order in which they take usage
explain-reservations-of-line = Reservations, and why each took from this line or did not
explain-turn = Turn
explain-pass-heading = Pass
explain-pass = { $number }: { $scope }, { $sizes }
explain-single = { $name } only
explain-shared = all subscriptions
explain-flexible = all sizes of the group
explain-exact = this size only
explain-why = Why

why-not-active = It is not active in this hour.
why-empty = It reserves nothing.
why-all-used = All of it was used.
why-no-more-usage = The rest found no more usage that it matches.
why-no-usage = No usage that it matches was left when its turn came.
why-took = It took a part of the line, or all of it.
why-correction = The line is a correction, which no reservation covers.
why-other-subscription = It is for another subscription.
why-other-sku = It is for another size, and not flexible.
why-other-group = It is for another group of sizes.
why-used-up = Lines that come before had used it up: { $lines }.
why-used-up-more = Lines that come before had used it up: { $lines } and others.
why-taken-in-pass = Others of its pass had taken the line.
why-taken-before = The line was taken before its turn came.

buy-lead = The reservations that would have saved most on what was paid as you go, at the customer's price of today. What current reservations cover is not counted again.
buy-lead-own = The reservations that would have saved most on what was paid as you go, at your price of today. What current reservations cover is not counted again.
buy-look-back = Based on
buy-term = Term
buy-any-term = All terms
buy-scope = Scope
buy-any-scope = All scopes
buy-no-usage = No advice without usage
buy-no-usage-partner = What to buy is worked out from the customer's hourly usage. Bring it in with “fullmakt import usage” or POST /fullmakt/v1/usage; minutes later the advice stands here.
buy-no-usage-customer = What to buy is worked out from your hourly usage. Ask your partner to bring it in. You can buy without it, too.
buy-nothing = Nothing to recommend
buy-nothing-text = In this period no reservation that is for sale would have cost less than what was paid as you go. Try a longer period, or another term or scope.
buy-chart = Cost of the period looked at, without and with the reservation
buy-chart-description = The first { $what } would have saved { $saving }. The table below has the same figures.
buy-table = Recommendations
buy-what = Reservation
buy-price = Term and price
buy-each = { $price } each
buy-in-all = { $price } in all
buy-list-price = List price { $price }
buy-monthly = Saved a month
buy-without = Cost without
buy-with = Cost with
buy-utilization = Expected utilisation
buy-pays = Pays
buy-break-even = From { $hours } hours of use a month ({ $percent })
buy-pays-back = Paid back by { $date }, upfront
buy-based-on = Based on
buy-basis = { $demand } instance hours of this size in { $used } of { $hours } hours, from { $from } to { $until } UTC
buy-action = Buy
buy-this = Buy { $what }
buy-subscription-gone = It cannot be bought here: the subscription it would be bought on is not among those you sold.
buy-note = Terms and scopes are alternatives: buy one of them, then look again. The cost without and with is that of the period looked at, for the usage that the reservation could cover. Saved a month is for 730 hours like those.
