### Det som debiterats och det som lämnats tillbaka: kontoutdrag, fakturor, gränsen och reglerna för återlämning.

nav-statement = Kontoutdrag
nav-billing = Fakturering
nav-returns = Återlämningar
nav-refund-rules = Regler för återlämning

statement-month = Månad
statement-days = { $from } – { $until }
statement-from = Från
statement-to = Till
statement-period = Period
statement-lines = Kontoutdragets rader
statement-day = Dag
statement-kind = Slag
statement-what = Vad
statement-currency = Valuta
statement-instalment = { $item }, delbetalning { $number } av { $of }
statement-total = Summa
statement-export = Exportera till CSV
statement-pdf = Spara som PDF
statement-none = Inget har debiterats
statement-none-text = Det finns inget köp, ingen delbetalning och ingen återlämning den här månaden.
statement-hidden = Inget som du får se
statement-hidden-text = { $count ->
    [one] Den här månaden har en debitering, för en reservation som dina roller inte låter dig se.
   *[other] Den här månaden har { $count } debiteringar, för reservationer som dina roller inte låter dig se.
  }
statement-left-out = { $count ->
    [one] En rad är utelämnad och inte med i summan: dina roller låter dig inte se reservationen den gäller.
   *[other] { $count } rader är utelämnade och inte med i summan: dina roller låter dig inte se reservationerna de gäller.
  }
statement-print = Skriv ut sidan för att få bara kontoutdraget.

ledger-purchase = Köp
ledger-instalment = Delbetalning
ledger-refund = Återlämning
ledger-fee = Avgift för avslut i förtid
ledger-exchange-return = Byte, återlämnat
ledger-exchange-purchase = Byte, köpt
ledger-renewal = Förnyelse

billing-lead = Vad du är skyldig din leverantör för allt som du och dina kunder har köpt. En faktura görs för varje månad som är över.
billing-unbilled = Ännu inte fakturerat
billing-unbilled-none = Inget har debiterats hittills den här månaden.
billing-invoices = Fakturor
billing-invoice = Faktura { $number }
billing-number = Nummer
billing-date = Fakturadatum
billing-lines = Visa raderna
billing-none = Inga fakturor än
billing-none-text = Den första fakturan görs när månaden för det första köpet är över.

returns-lead = Varje återlämning mot pengar räknas mot en gräns under så många månader som står nedan. Därefter är beloppet fritt igen.
returns-consumed = Räknat nu
returns-left = Kvar
returns-ledger = Återlämningar
returns-none = Inget har lämnats tillbaka
returns-none-text = Här visas återlämningar mot pengar, vad de räknas som mot gränsen och hur länge. Byten räknas inte.
returns-at = Återlämnad
returns-until = Räknas till
returns-counts = Räknas
returns-over = Räknas inte längre
returns-explain = Förklara återlämningen { $at }
returns-partner = Det du får tillbaka av din leverantör
returns-to-rules = Alla regler och omräkningskurser

rules-lead = Återlämningar och byten följer de här siffrorna. Det som en gång räknats ut behåller sina.
rules-policies = Regler
rules-rates = Omräkningskurser
rules-rates-text = Gränsen är i amerikanska dollar. Det som lämnas tillbaka i en annan valuta jämförs med den till dagens kurs.
rules-holds = Gäller
rules-to-come = Kommande
rules-past = Ersatt
rules-valid-from = Gäller från
rules-full-refund = Full återbetalning inom
rules-full-refund-hint = Ett heltal dagar från 0 till 366.
rules-fee-hint = Procent av det som fås tillbaka, från 0 till 100.
rules-limit-hint = Ett belopp i { $currency }, 0 eller mer, i hela cent.
rules-window = Räknas i
rules-window-hint = Ett heltal månader från 1 till 120.
rules-days = { $days ->
    [one] { $days } dag
   *[other] { $days } dagar
  }
rules-months = { $months ->
    [one] { $months } månad
   *[other] { $months } månader
  }
rules-percent = { $percent } %
rules-rate = { $rate } { $currency } för 1 { $limit }
rules-rate-label = Kurs
rules-rate-hint = Hur många enheter av valutan 1 { $currency } är värd: större än 0, högst 1 000 000.
rules-currency-hint = Tre bokstäver, till exempel EUR.
rules-set-policy = Ange regler
rules-set-rate = Ange kurs
rules-policy-lead = Från och med den dag du väljer följer återlämningar de här siffrorna. Det som räknats ut tidigare behåller sina.
rules-rate-lead = Från och med den dag du väljer jämförs belopp i valutan med gränsen till den här kursen.
rules-save = Spara
rules-admin-only = Bara en administratörsagent kan ange regler och kurser.

reservation-deeds = Ändra
reservation-deeds-text = Allt öppnas i portalen för { $customer }, för kundens räkning. Det du gör där loggas som ditt.
reservation-deeds-one = Det öppnas i portalen för { $customer }, för kundens räkning. Det du gör där loggas som ditt.

bill-to-edit = Redigera faktureringsuppgifter
bill-to-lead = Vem fakturorna till { $customer } ställs ut till. Namnet och landet ({ $country }) ändras inte.
save = Spara

notice-bill-to-saved = Faktureringsuppgifterna är sparade.
notice-rule-set = Regeln är angiven.
