### En kunds orderhistorik och Azure-reservationer.

pager-previous = Föregående sida
orders-show = Visa
orders-anyone = Vem som helst
orders-bought-by = Köpt av
orders-state = Status
orders-any-state = Alla statusar
orders-product = Produkt
orders-items = Artiklar
orders-quantity = Antal
orders-total = Summa
orders-completed = Slutförd
orders-cancelled = Annullerad
orders-and-more = { $item } och { $count } till
orders-count = { $count ->
    [one] { $shown } order
   *[other] { $shown } ordrar
  }
orders-summary = { $count }. Beställt för { $total }, annullerade ordrar inte medräknade.
orders-none = Inga ordrar än
orders-none-text = Här visas det du köper åt kunden, och det kunden köper själv när du tillåter det.
orders-none-found = Inget hittades
orders-none-found-text = Inget stämmer med filtren. Ta bort något för att se mer.
order-title = Order { $number }
order-number = Ordernummer
order-id = Order-ID
order-date = Datum
order-billing = Faktureringsfrekvens
order-customer-pays = Kunden betalar
order-you-pay = Du betalar
order-item = Artikel
order-term = Löptid
order-list-price = Listpris
order-list-price-each = Listpris per styck
order-customer-price = Kundens pris
order-customer-price-each = Kundens pris per styck
order-cost = Din kostnad
order-cost-each = Din kostnad per styck
reservations-any-state = Alla statusar
reservations-active = Aktiva
reservations-expiring = Upphör snart
reservations-expired = Utgångna
reservations-ended = Återlämnade, utbytta, delade eller sammanslagna
reservations-hidden-too = Alla statusar, även dolda
bought-none = Inga reservationer än
bought-none-text = Här visas reservationer som du köper åt kunden, och dem kunden köper själv när du tillåter det.
reservation-name = Namn
reservation-scope = Omfång
reservation-starts = Börjar
reservation-expires = Upphör
reservation-renew = Automatisk förnyelse
reservation-flexibility = Flexibel instansstorlek
reservation-yes = På
reservation-no = Av
reservation-overview = Översikt
reservation-prices = Priser för hela löptiden
reservation-customer-pays = Kunden betalar för { $quantity }
reservation-you-pay = Du betalar för { $quantity }
reservation-properties = Egenskaper
reservation-id = Reservations-ID
reservation-order-id = Reservationsorder-ID
reservation-subscription = Faktureringsprenumeration
reservation-changed = Senast ändrad
reservation-changed-by = Ändrad av
reservation-instalments = Orderns delbetalningar
reservation-instalments-text = { $count ->
    [one] De gäller hela ordern så som den köptes, med { $shown } instans.
   *[other] De gäller hela ordern så som den köptes, med { $shown } instanser.
  }
reservation-instalment = Nummer
reservation-due = Förfaller
reservation-billed = Debiterad
reservation-planned = Planerad
reservation-manage = Hantera
reservation-hint = Byte, återlämning, förnyelse och ändrat omfång sköter du: det kan inte kunden göra. Hantera öppnar portalen för { $customer } för kundens räkning.
