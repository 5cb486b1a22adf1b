### Giving back and exchanging reservations, and the limit of returns.

return-lead = First the amount is calculated. What is shown then holds for { $minutes } minutes at most, and nothing is returned before you say so.
return-quantity = Instances to return
return-quantity-hint = { $most ->
    [one] There is one.
   *[other] From 1 to { $most }. What is kept goes on as it is.
  }
return-quantity-returned = Instances returned
return-calculate = Calculate
return-steps = Steps of the return
return-review = Review the return
return-done = The reservation is returned
return-done-text = Returned on { $at } (UTC). This is what it came to.
return-amount = What comes back to the customer
return-limit = Against the limit of returns
return-line = Line
return-money = Amount
return-holds = This amount holds until { $at } (UTC).
return-lapsed = This no longer holds. Calculate it again; nothing has been returned.
return-again = Calculate again
return-final = A return cannot be undone. The benefit ends at once.
return-reason = Reason
return-reason-hint = For the activity log. May be left empty.
return-button = Return for { $amount }

refund-share = Charged for what is returned
refund-share-none = Nothing has been charged yet.
refund-share-whole = It was paid at once.
refund-share-instalment = Instalment { $number } of { $instalments } runs.
refund-share-covers = { $days ->
    [one] The payment covers one day, from { $from } to { $until }.
   *[other] The payment covers { $days } days, from { $from } to { $until }.
  }
refund-share-returned = { $of ->
    [one] This is for the one instance that the reservation has.
   *[other] This is for { $quantity } of { $of } instances.
  }
refund-credit = Of that comes back
refund-credit-full = Returned within the days of a full refund and not used: all of it.
refund-credit-used = It has been used, so only { $left } of { $all } days.
refund-credit-rest = Returned on { $on }: { $left } of { $all } days.
refund-fee = Early termination fee
refund-fee-why = { $percent }% of what comes back.
refund-back = Money back
refund-dropped = Not charged any more
refund-dropped-why = { $later ->
    [one] Falls away of one later instalment.
   *[other] Falls away of { $later } later instalments.
  }
refund-cancelled = Commitment that is cancelled
refund-cancelled-why = What comes back before any fee, and what is not charged any more.
refund-counted = Counts against the limit
refund-counted-same = It is in the limit’s currency already.
refund-counted-rate = { $amount } at { $rate } { $currency } for 1 { $limit }, the rate from { $from }.
refund-before = Counted before
refund-before-why = Returns of the last { $months } months.
refund-limit = Limit
refund-limit-why = For { $months } months, for one customer.
refund-left = Left after this return

exchange-lead = First it is calculated. What is shown then holds for { $minutes } minutes at most, and nothing is exchanged before you say so. What is bought must cost at least as much as is given back.
exchange-steps = Steps of the exchange
exchange-given = What is given back
exchange-given-done = What was given back
exchange-instead = What is bought instead
exchange-instead-done = What was bought instead
exchange-review = Review the exchange
exchange-done = The exchange is made
exchange-done-text = Exchanged on { $at } (UTC).
exchange-returned-of = { $quantity ->
    [one] 1 instance of { $name }
   *[other] { $quantity } instances of { $name }
  }
exchange-sums = What it comes to
exchange-sum-bought = Bought
exchange-sum-bought-why = The whole price.
exchange-sum-returned = Commitment that is given back
exchange-sum-net = Difference
exchange-sum-missing = Missing
exchange-sum-missing-why = So much less is bought than is given back.
exchange-too-small = The exchange cannot be made: what is bought costs { $missing } too little. It must cost at least as much as what is given back. Choose a larger size, more instances or a longer term, or give back less.
exchange-lapsed = This no longer holds. Calculate it again; nothing has been exchanged.
exchange-sum-net-why = The commitment grows by this amount. An exchange costs no fee and does not count against the limit of returns.
exchange-final = An exchange cannot be undone. What is given back ends at once; what is bought begins a new term.
exchange-make = Exchange
exchange-again = Choose again
exchange-to-new = Go to the new reservation
exchange-to-old = Go to what was given back

change-archive = Hide
change-archive-lead = The reservation is over. Hidden, it no longer stands in the list; you can show it again at any time.
change-unarchive = Show again
change-unarchive-lead = The reservation is hidden from the list. Shown again, it stands there as before.
reservations-hidden = Hidden reservations
reservations-shown = Back to the list

notice-returned = The reservation is returned.
notice-exchanged = The exchange is made.
notice-archived = Done. Where the reservation is listed has changed.
