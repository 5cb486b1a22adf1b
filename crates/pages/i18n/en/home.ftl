### The first page of the dashboard.

home-permissions = Customers that may purchase
home-permitted-reservations = may purchase Azure reservations
home-permitted-savings-plans = may purchase Azure savings plans
home-permitted-latest = Latest changes
home-purchases = Latest purchases by customers
home-no-purchases = No purchases by customers yet
home-no-purchases-text = What customers buy when you allow it shows here. You are not notified otherwise.
home-expiring = Reservations that expire within 90 days
home-no-expiring = Nothing expires soon
home-no-expiring-text = Reservations show here 90 days before they expire, so that you can renew them in time.
home-spend = Spend per month
home-spend-description = Charges less refunds of the last twelve months, month by month; in all { $total } to be paid by customers. The table below has the figures.
home-no-spend = No charges yet
home-no-spend-text = Month by month, this shows what you and your customers are charged for reservations.
home-price = Customers pay
home-cost = You pay
home-month-heading = Month
home-month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year }
home-month-short = { $month ->
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
