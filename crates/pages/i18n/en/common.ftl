### What stands on every page, signing in, errors.

date = { $day } { $month ->
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
  } { $year }
date-and-time = { $date }, { $time }
date-and-time-utc = { $at } UTC

nav-skip = Skip to content
nav-dashboard = Partner dashboard
nav-portal = Customer portal
nav-main = Main navigation
nav-trail = You are here
nav-settings = Settings
nav-activity-log = Activity log
nav-signed-in = Signed in as { $name }
nav-home = Home
nav-customers = Customers
nav-subscriptions = Subscriptions
nav-azure-reservations = Azure reservations
nav-order-history = Order history
nav-add-products = Add products
nav-account = Account
nav-prices = Prices
nav-reservations = Reservations
nav-purchase = Purchase reservations

role-global-admin = Global administrator
role-admin-agent = Admin agent
role-sales-agent = Sales agent
role-helpdesk-agent = Helpdesk agent
role-billing-admin = Billing administrator
role-user-admin = User administrator

search = Search
pager = Pages
pager-next = Next page
pager-first = First page

sign-in = Sign in
sign-out = Sign out
sign-in-username = User name
sign-in-password = Password
sign-in-username-missing = Enter your user name.
sign-in-password-missing = Enter your password.
sign-in-wrong = The user name or the password is wrong.
sign-in-disabled = This account is disabled. Ask your administrator.
sign-in-throttled = Too many failed attempts. Try again in { $seconds } seconds.
notice-signed-out = You have signed out.

error-home = To the start page
error-not-found = There is no such page
error-not-found-text = It may have been removed, or you may not have access to it. Check the address, or go back to the start page.
error-forbidden = You may not do this
error-forbidden-text = Your roles do not allow it. Ask an administrator of your organisation.
error-stale = This page is too old
error-stale-text = You may have signed out or in since it was opened. Go back, reload the page and try again.
error-malformed = The request makes no sense
error-malformed-text = Go back to the page, reload it and try again.
error-refused = That was not possible
error-failed = Something went wrong here
error-failed-text = Nothing was changed. Try again; if it happens again, tell your administrator this number: { $number }
