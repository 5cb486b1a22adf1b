### Vad som har använts, vad som täcktes och vad som lönar sig att köpa.

nav-usage = Användning
nav-what-to-buy = Köpråd

usage-pages = Sidor om användning
usage-overview = Översikt
usage-chargeback = Kostnadsfördelning
usage-explain = Förklara en timme
usage-none = Ingen användning än
usage-none-partner = Läs in kundens användning per timme med ”fullmakt import usage” eller POST /fullmakt/v1/usage. Några minuter senare visas här vad reservationerna täcker och sparar.
usage-none-customer = Här ser ni vad era reservationer täcker och sparar så snart er partner har läst in er användning. Prenumerationer där du saknar roll visas inte.
usage-known = Användningen är känd för { $known } av { $all } timmar, fram till { $end } UTC.
usage-waiting = { $days ->
    [one] Siffrorna för en dag räknas om.
   *[other] Siffrorna för { $days } dagar räknas om.
  }
usage-period = Period
usage-last-days = { $days ->
    [one] Senaste dygnet
   *[other] Senaste { $days } dagarna
  }
usage-day = { $day } { $month ->
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
  }
usage-heading-day = Dag
usage-hours = { $hours } h
usage-coverage = Täckningsgrad
usage-coverage-hint = av instanstimmarna täcktes av en reservation
usage-utilization = Nyttjandegrad
usage-utilization-1-7-30 = Nyttjandegrad, 1 · 7 · 30 dagar
usage-utilization-hint = av de reserverade instanstimmarna användes
usage-saved = Sparat
usage-saved-hint = jämfört med löpande pris, till kundens pris och med outnyttjade timmar avdragna
usage-saved-hint-own = jämfört med löpande pris, till ert pris och med outnyttjade timmar avdragna
usage-saved-at-list = Sparat till listpris
usage-saved-at-list-hint = vad det hade blivit om reservationerna hade köpts till listpris
usage-unused = Outnyttjade timmar
usage-unused-cost = Outnyttjad kostnad
usage-unused-cost-hint = reserverat men inte använt
usage-pay-as-you-go = Löpande pris
usage-pay-as-you-go-hint = för det som ingen reservation täckte
usage-covered = Täckta timmar
usage-not-covered = Inte täckta
usage-consumed = Instanstimmar
usage-covered-cost = Täckt, kostnad
usage-covered-saved = Täckt, sparat
usage-reserved = Reserverade timmar
usage-used = Använda timmar
usage-reservation = Reservation
usage-reservations = Reservationer
usage-no-reservations = Ingen reservation var aktiv under perioden.
usage-subscription = Prenumeration
usage-subscriptions = Prenumerationer
usage-by-day = Dag för dag
usage-chart-description = Instanstimmar per dag, täckta av reservationer och inte. Under hela perioden täcktes { $percent }. Tabellen nedanför har samma siffror.
usage-reservation-description = Reserverade timmar per dag, använda och outnyttjade. De senaste 30 dagarna användes { $percent } och { $unused } timmar blev outnyttjade. Tabellen nedanför har samma siffror.
usage-its-last-days = { $days ->
    [one] Dess sista dygn
   *[other] Dess sista { $days } dagar
  }
usage-its-last-description = Reserverade timmar under var och en av dess sista dagar, använda och outnyttjade. Sammanlagt användes { $percent } och { $unused } timmar blev outnyttjade. Tabellen nedanför har samma siffror.
usage-reaches-further = Reservationer täckte också användning i prenumerationer där du saknar roll. Den räknas i vad reservationerna användes till och sparade, men inte i täckningsgrad, löpande pris och det som visas per prenumeration och dag.
usage-covered-by-others = En del av användningen täcktes av reservationer som du saknar roll på. Den räknas i täckningsgraden och i det som visas per prenumeration och dag, men inte i vad reservationerna användes till och sparade.
usage-figure-last-days = { $figure } de senaste { $days } dagarna
usage-figure-its-days = { $figure } under dess sista { $days } dagar
usage-as-agent = Som agent för partnern ser du användningen här som på instrumentpanelen, oavsett vilka roller du har hos kunden.
usage-and-before = { $last } (lika lång tid före: { $before })

usage-chargeback-lead = Vad varje prenumeration och resursgrupp kostar: de reserverade timmar som täckte dess användning, outnyttjade timmar i reservationer som belastar den och det som betalades till löpande pris. Det som en delad reservation lämnar outnyttjat belastar prenumerationen som den köptes på.
chargeback-reaches-further = Reservationer täckte också användning i prenumerationer där du saknar roll. Vad den kostade finns inte i tabellen.
chargeback-covered-by-others = En del av användningen täcktes av reservationer som du saknar roll på. Det som de lämnade outnyttjat finns inte i tabellen.
usage-from = Från
usage-until = Till
usage-no-date = Ange ett datum.
usage-ends-before = Perioden slutar innan den börjar.
usage-too-long = En period är högst { $days } dagar.
usage-group = Resursgrupp
usage-no-group = Ingen
usage-total = Summa
usage-without = Utan reservationer
usage-charges-in = Kostnader i { $currency }
usage-export = Exportera till CSV
usage-rounding = Beloppen är avrundade här. Filen har alla decimaler, och där blir radernas summa exakt totalbeloppet.

explain-lead = Vilken reservation som tog vilken del av användningen under en timme, i vilken ordning, vad som blev över och varför.
explain-hour = Timme (UTC)
explain-hour-hint = Minuterna räknas inte.
explain-hour-wrong = Ange datum och tid.
explain-line = Rad
explain-line-hint = En rads nummer, för att se den ensam.
explain-line-wrong = En rads nummer är ett heltal.
explain-reservation = Reservation
explain-reservation-hint = För att se raderna som den tog.
explain-reservation-wrong = Välj en av reservationerna.
explain-all = Alla
explain-show = Förklara
explain-asked = Timmen från { $hour } UTC.
explain-nothing = Inget att förklara
explain-nothing-hour = Under den här timmen kördes inget och ingen reservation var aktiv, eller så är användningen inte känd.
explain-nothing-line = Det finns ingen sådan rad under den här timmen. Samma nummer kan finnas under andra timmar.
explain-nothing-reservation = Reservationen var inte aktiv under den här timmen, eller så är timmens användning inte känd.
explain-hours = Timmar
explain-hour-before = Föregående timme
explain-hour-after = Nästa timme
explain-lines = Användningsrader, i den ordning de täcks
explain-resource = Resurs
explain-size = Storlek
explain-quantity = Instanstimmar
explain-taken = Täckt av
explain-nobody = Ingen reservation
explain-part = { $hours } h av { $reservation } i omgång { $pass }, kostnad { $cost }
explain-other-reservation = en reservation som du inte får se
explain-rest = Inte täckt
explain-no-lines = Det finns ingen användning att visa här för den här timmen.
explain-reaches-further = Reservationer täckte också användning i prenumerationer där du saknar roll. Den räknas i deras använda timmar, men dess rader visas inte.
explain-reservations = Reservationer, i den ordning de tar användning
explain-reservations-of-line = Reservationer, och varför var och en tog av raden eller inte
explain-turn = Tur
explain-pass-heading = Omgång
explain-pass = { $number }: { $scope }, { $sizes }
explain-single = endast { $name }
explain-shared = alla prenumerationer
explain-flexible = alla storlekar i gruppen
explain-exact = endast den här storleken
explain-why = Varför

why-not-active = Den är inte aktiv under den här timmen.
why-empty = Den reserverar inget.
why-all-used = Allt användes.
why-no-more-usage = För resten fanns ingen mer användning som passade.
why-no-usage = Ingen användning som passade fanns kvar när det blev dess tur.
why-took = Den tog en del av raden, eller hela.
why-correction = Raden är en rättelse, som ingen reservation täcker.
why-other-subscription = Den gäller en annan prenumeration.
why-other-sku = Den gäller en annan storlek och är inte flexibel.
why-other-group = Den gäller en annan grupp av storlekar.
why-used-up = Tidigare rader hade förbrukat den: { $lines }.
why-used-up-more = Tidigare rader hade förbrukat den: { $lines } med flera.
why-taken-in-pass = Andra i samma omgång hade tagit raden.
why-taken-before = Raden var tagen innan det blev dess tur.

buy-lead = De reservationer som hade sparat mest på det som betalades till löpande pris, till kundens pris i dag. Det som nuvarande reservationer täcker räknas inte en gång till.
buy-lead-own = De reservationer som hade sparat mest på det som betalades till löpande pris, till ert pris i dag. Det som nuvarande reservationer täcker räknas inte en gång till.
buy-look-back = Underlag
buy-term = Löptid
buy-any-term = Alla löptider
buy-scope = Omfång
buy-any-scope = Alla omfång
buy-no-usage = Inga köpråd utan användning
buy-no-usage-partner = Köpråden räknas fram ur kundens användning per timme. Läs in den med ”fullmakt import usage” eller POST /fullmakt/v1/usage; några minuter senare står råden här.
buy-no-usage-customer = Köpråden räknas fram ur er användning per timme. Be er partner läsa in den. Det går också att köpa utan.
buy-nothing = Inget att rekommendera
buy-nothing-text = Under den här perioden hade ingen reservation som är till salu kostat mindre än det löpande priset. Prova en längre period, eller en annan löptid eller ett annat omfång.
buy-chart = Periodens kostnad utan och med reservationen
buy-chart-description = Den första, { $what }, hade sparat { $saving }. Tabellen nedanför har samma siffror.
buy-table = Rekommendationer
buy-what = Reservation
buy-price = Löptid och pris
buy-each = { $price } styck
buy-in-all = { $price } totalt
buy-list-price = Listpris { $price }
buy-monthly = Sparas per månad
buy-without = Kostnad utan
buy-with = Kostnad med
buy-utilization = Väntad nyttjandegrad
buy-pays = Lönar sig
buy-break-even = Från { $hours } timmars användning i månaden ({ $percent })
buy-pays-back = Intjänad senast { $date } vid förskottsbetalning
buy-based-on = Underlag
buy-basis = { $demand } instanstimmar av den här storleken under { $used } av { $hours } timmar, från { $from } till { $until } UTC
buy-action = Köp
buy-this = Köp { $what }
buy-subscription-gone = Den kan inte köpas här: prenumerationen den skulle köpas på hör inte till dem du har sålt.
buy-note = Löptider och omfång är alternativ: köp en av dem och titta sedan igen. Kostnaden utan och med gäller perioden som underlaget omfattar och den användning som reservationen kunde täcka. Sparas per månad gäller 730 likadana timmar.
