### Kundportalen: prenumerationer och reservationer.

portal-on-behalf = Du agerar för { $customer } som { $partner }. Det du gör här loggas som ditt.
portal-leave = Lämna och gå tillbaka till instrumentpanelen
portal-subscription-name = Namn
portal-subscription-id = Prenumerations-ID
portal-status = Status
portal-roles = Dina roller
portal-role-inside = En roll på något i den
portal-partner = Partner
portal-no-subscriptions = Inga prenumerationer
portal-no-subscriptions-text = Här visas prenumerationer där du har en roll. Be en ägare eller er partner om en.
portal-no-subscriptions-behalf = Här visas prenumerationer där du själv har en roll. En ägare av en prenumeration eller en administratörsagent hos er kan ge dig en roll. Det som har köpts finns på instrumentpanelen.
portal-to-dashboard = Gå till instrumentpanelen
portal-may-buy = Du kan köpa reservationer på den här prenumerationen.
portal-may-buy-behalf = Du kan köpa reservationer på den här prenumerationen åt kunden.
portal-cancel = Avbryt

reservations-name = Namn
reservations-expires = Upphör
reservations-starts = Börjar
reservations-no-usage = Ingen användning än
reservations-no-usage-over = Ingen användning är känd från tiden då den gav förmån.
reservations-no-usage-text = Ingen användning än. När användningen har räknats visas här hur mycket av reservationen som har använts.
reservations-bought-by = Köpt av
reservations-buyer = { $name } ({ $side })
reservations-none = Inga reservationer
reservations-none-text = Här visas reservationer som ni eller er partner har köpt och som du får se.
reservations-none-acting = Här visas reservationer som har köpts åt kunden och som du får se.
reservations-none-behalf = Här visas reservationer där du själv har en roll. En ägare av en reservation eller en administratörsagent hos er kan ge dig en roll. Allt som har köpts finns på instrumentpanelen.
reservations-overview = Översikt
reservations-properties = Egenskaper
reservations-history = Historik
reservations-id = Reservations-ID
reservations-order-id = Reservationsorder-ID
reservations-order-number = Ordernummer
reservations-bought-at = Köpt
reservations-changed-at = Senast ändrad
reservations-review-at = Påminnelse
reservations-flexibility = Flexibel instansstorlek
reservations-renewal = Automatisk förnyelse
reservations-on = På
reservations-off = Av
reservations-rename = Byt namn
reservations-split = Dela upp
reservations-merge = Slå samman
over-expired = Den här reservationen är över: löptiden tog slut { $at } UTC.
over-returned = Den här reservationen är över: { $who } lämnade tillbaka den { $at } UTC.
over-exchanged = Den här reservationen är över: { $who } bytte den mot en annan { $at } UTC.
over-split = Den här reservationen är över: { $who } delade den i två { $at } UTC. Den fortsatte som sina delar.
over-merged = Den här reservationen är över: { $who } slog samman den med en annan { $at } UTC. Det de blev ger dess förmån nu.
reservations-role-missing = Din roll tillåter det inte.
reservations-split-one = Den har bara en instans.
reservations-merge-none = Det finns ingen annan aktiv reservation i samma order med samma omfång.
reservations-partners = Ändringar som bara partnern gör
reservations-partners-only = { $partner } betalar för reservationen. För att byta, lämna tillbaka eller förnya den, eller ändra omfånget, kontakta { $contact }.
reservations-partners-own = Du agerar för partnern som betalar för reservationen. Det du ändrar här loggas som ditt.

history-at = När (UTC)
history-who = Vem
history-what = Vad
history-hidden-from-you = Din roll låter dig inte se historiken.
history-bought = Köpt
history-from-split = Blev till när en reservation delades upp
history-from-merge = Blev till när reservationer slogs samman
history-renewal = Blev till genom förnyelse
history-renamed = Namnet ändrat från { $old } till { $new }
history-scope = Omfånget ändrat från { $old } till { $new }
history-quantity = Antalet ändrat från { $old } till { $new }
history-flexibility = Flexibel instansstorlek ändrad från { $old } till { $new }
history-renewal-set = Automatisk förnyelse ändrad från { $old } till { $new }
history-review = Påminnelsen ändrad
history-renewed = Förnyad
history-first-used = Användning lästes in: användes för första gången { $at } UTC
history-hidden = Dold i listor
history-shown = Visas i listor igen
history-split = Delad i två
history-merged = Sammanslagen till en annan reservation
history-returned = Återlämnad
history-exchanged = Utbytt
history-changed = Ändrad
history-expired = Löptiden tog slut

related-split-from = Uppdelad från
related-split-into = Uppdelad i
related-merged-into = Sammanslagen till
related-merged-from = Sammanslagen av
related-renewed-as = Förnyad som
related-renewed-from = Förnyelse av

change-new-name = Nytt namn
change-rename-lead = Namnet är bara till för människor. Inget annat i reservationen ändras.
change-split-lead = Två reservationer träder i stället för den här, med samma löptid, pris och omfång. Tillsammans ger de samma förmån.
change-split-first = Instanser i den första delen
change-split-hint = { $most ->
    [one] Bara 1 är möjligt; den andra delen får den som blir över.
   *[other] Från 1 till { $most }. Den andra delen får resten.
  }
change-split-wrong = { $most ->
    [one] Bara 1 är möjligt.
   *[other] Ange ett heltal från 1 till { $most }.
  }
change-merge-lead = En reservation träder i stället för två, med samma löptid, pris och omfång.
change-merge-other = Slå samman med
reservation-of-quantity = { $name }, antal { $quantity }
reservation-ending-in = { $name }, ID …{ $end }
change-merge-wrong = Välj en reservation i listan.
change-scope-lead = Förmånen gäller för det nya omfånget från och med nästa timme.
change-renewal-is-on = Automatisk förnyelse är på: när löptiden är slut köps samma reservation igen till den dagens pris.
change-renewal-is-off = Automatisk förnyelse är av: reservationen upphör med sin löptid.
change-renewal-on = Slå på automatisk förnyelse
change-renewal-off = Slå av automatisk förnyelse
change-renew-now = Förnya nu
change-renew-lead = En reservation som följer på den här köps nu, till dagens pris. Dess löptid börjar { $at } UTC.
change-renew-price = Förnyelsens pris

notice-renamed = Reservationen har fått ett nytt namn.
notice-split = Reservationen är delad i två. Det här är den första delen.
notice-merged = Reservationerna är sammanslagna. Det här är vad de blev.
notice-scope-changed = Omfånget är ändrat.
notice-renewal-set = Automatisk förnyelse är ändrad.
notice-renewed = Förnyelsen är köpt.
