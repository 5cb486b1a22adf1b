### Lägg till produkter: partnern köper reservationer åt en kund.

wizard-steps = Steg
wizard-step-subscription = Prenumeration
wizard-step-products = Produkter
wizard-step-review = Granska din order
wizard-step-buy = Köp
wizard-step-done = Bekräftelse
wizard-missing = Det som saknas
wizard-no-agreement = Kundavtalet är inte bekräftat. Inget kan köpas förrän det är det.
wizard-to-account = Bekräfta avtalet på kontosidan
wizard-no-subscription = Kunden har ingen Azure-plan eller Azure-prenumeration från dig. Reservationer köps på en sådan.
wizard-none-registered = Ingen prenumeration är registrerad för reservationer än. Registrera en nedan.
wizard-none-active = Ingen av kundens prenumerationer är aktiv. Återuppta en först.
wizard-to-subscriptions = Gå till Prenumerationer
wizard-choose = Vilken prenumeration vill du köpa på?
wizard-choose-subscription = Välj en aktiv prenumeration att köpa på.
wizard-register = Registrera { $name } för reservationer
wizard-next = Fortsätt
notice-registered = Prenumerationen är registrerad för reservationer.
wizard-buying-on = Du köper på { $name }.
wizard-kind = Reservationstyp
wizard-any-kind = Alla typer
wizard-family = Familj
wizard-any-family = Alla familjer
wizard-region = Region
wizard-any-region = Alla regioner
wizard-any-term = Alla löptider
wizard-size = Storlek
wizard-quantity-of = Antal av { $item }, { $region }, { $term }
wizard-add = Lägg i kundvagn
wizard-add-item = Lägg i kundvagn: { $item }
wizard-prices-are = Priserna gäller en instans och hela löptiden.
wizard-no-offers = Inget hittades
wizard-no-offers-text = Inget som säljs till den här kunden stämmer med filtren. Ta bort något för att se mer.
wizard-in-cart = { $count ->
    [0] Kundvagnen är tom.
    [one] { $count } artikel i kundvagnen.
   *[other] { $count } artiklar i kundvagnen.
  }
wizard-cart-full = En kundvagn rymmer högst { $most } rader. Köp de här först.
wizard-review = Granska
notice-added-to-cart = Tillagt i kundvagnen.
notice-cart-updated = Kundvagnen är uppdaterad.
wizard-scope-single = Enskild: prenumerationen du köper på
wizard-scope-locked = Under en Azure-plan är omfånget delat: förmånen gäller alla kundens prenumerationer från dig.
wizard-remove = Ta bort { $item }
wizard-remove-line = Ta bort
wizard-update = Uppdatera
wizard-more = Lägg till fler
wizard-cart-empty = Kundvagnen är tom.
wizard-cart-gone = Kundvagnen finns inte längre
wizard-cart-gone-text = En kundvagn sparas i 15 minuter efter den senaste ändringen.
wizard-start-again = Börja om
wizard-check-quantities = Kontrollera antalen. Inget har ändrats.
wizard-cannot-buy = Kundvagnen går inte att köpa som den är. Varje artikel säger vad som är fel.
wizard-pays-in-all = { $customer } betalar totalt:
wizard-you-are-billed = När du köper faktureras du för ordern.
wizard-you-pay-in-all = Du betalar { $amount }.
wizard-buy = Köp
wizard-back = Tillbaka till granskningen
wizard-bought = Tack
wizard-bought-text = Ordern åt { $customer } är lagd.
wizard-finish = Klar
wizard-buy-more = Köp mer
