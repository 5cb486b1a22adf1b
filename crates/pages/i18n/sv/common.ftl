### Det som står på varje sida, inloggning, fel.

date = { $day } { $month ->
    [1] jan.
    [2] feb.
    [3] mars
    [4] apr.
    [5] maj
    [6] juni
    [7] juli
    [8] aug.
    [9] sep.
    [10] okt.
    [11] nov.
   *[12] dec.
  } { $year }
date-and-time = { $date } { $time }
date-and-time-utc = { $at } UTC

nav-skip = Hoppa till innehållet
nav-dashboard = Partnerinstrumentpanel
nav-portal = Kundportal
nav-main = Huvudmeny
nav-trail = Du är här
nav-settings = Inställningar
nav-activity-log = Aktivitetslogg
nav-signed-in = Inloggad som { $name }
nav-home = Start
nav-customers = Kunder
nav-subscriptions = Prenumerationer
nav-azure-reservations = Azure-reservationer
nav-order-history = Orderhistorik
nav-add-products = Lägg till produkter
nav-account = Konto
nav-prices = Priser
nav-reservations = Reservationer
nav-purchase = Köp reservationer

role-global-admin = Global administratör
role-admin-agent = Administratörsagent
role-sales-agent = Säljagent
role-helpdesk-agent = Supportagent
role-billing-admin = Faktureringsadministratör
role-user-admin = Användaradministratör

search = Sök
pager = Sidor
pager-next = Nästa sida
pager-first = Första sidan

sign-in = Logga in
sign-out = Logga ut
sign-in-username = Användarnamn
sign-in-password = Lösenord
sign-in-username-missing = Ange ditt användarnamn.
sign-in-password-missing = Ange ditt lösenord.
sign-in-wrong = Användarnamnet eller lösenordet är fel.
sign-in-disabled = Kontot är avstängt. Fråga din administratör.
sign-in-throttled = För många misslyckade försök. Försök igen om { $seconds } sekunder.
notice-signed-out = Du har loggat ut.

error-home = Till startsidan
error-not-found = Sidan finns inte
error-not-found-text = Den kan ha tagits bort, eller så saknar du åtkomst till den. Kontrollera adressen eller gå tillbaka till startsidan.
error-forbidden = Det får du inte göra
error-forbidden-text = Dina roller tillåter det inte. Fråga en administratör i din organisation.
error-stale = Sidan är för gammal
error-stale-text = Du kan ha loggat ut eller in sedan den öppnades. Gå tillbaka, läs in sidan på nytt och försök igen.
error-malformed = Begäran går inte att förstå
error-malformed-text = Gå tillbaka till sidan, läs in den på nytt och försök igen.
error-refused = Det gick inte
error-failed = Något gick fel hos oss
error-failed-text = Inget har ändrats. Försök igen; om det händer igen, ge din administratör det här numret: { $number }
