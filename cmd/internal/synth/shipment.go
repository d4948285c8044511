package synth

import (
	"fmt"
	"strconv"
	"time"
)

// Shipment is one made-up event.
type Shipment struct {
	Time                time.Time
	ID                  string
	Sender, Recipient   string
	Item                string
	Origin, Destination string
	WeightG             int
	Value               int // in dong
	Service, Operator   string
}

// AppendJSON adds the event in the flat format, without a line break. No field needs escaping.
func (s *Shipment) AppendJSON(b []byte) []byte {
	text := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":"`...)
		b = append(b, value...)
		b = append(b, '"')
	}
	b = append(b, `{"event_id":"`...)
	b = append(b, s.ID...)
	b = append(b, `","event_time":"`...)
	b = s.Time.In(zone).AppendFormat(b, time.RFC3339)
	b = append(b, '"')
	text("sender_id", s.Sender)
	text("recipient_id", s.Recipient)
	text("item_id", s.Item)
	text("event_type", "posted")
	text("origin", s.Origin)
	text("destination", s.Destination)
	b = append(b, `,"weight_g":`...)
	b = strconv.AppendInt(b, int64(s.WeightG), 10)
	b = append(b, `,"declared_value":`...)
	b = strconv.AppendInt(b, int64(s.Value), 10)
	text("currency", "VND")
	text("service", s.Service)
	text("operator", s.Operator)
	return append(b, '}')
}

// itemID gives parcel number n the identifier of UPU standard S10: CA to CZ for parcels, eight digits, a check digit
// and the country. Numbers repeat after 2.6 billion.
func itemID(n int) string {
	const serials = 100_000_000
	serial := fmt.Sprintf("%08d", n%serials)
	return fmt.Sprintf("C%c%s%dVN", 'A'+rune(n/serials%26), serial, checkDigit(serial))
}

// checkDigit is that of S10: 11 less the weighted sum modulo 11, where 10 becomes 0 and 11 becomes 5.
func checkDigit(serial string) int {
	weights := [8]int{8, 6, 4, 2, 3, 5, 9, 7}
	sum := 0
	for i, w := range weights {
		sum += w * int(serial[i]-'0')
	}
	switch c := 11 - sum%11; c {
	case 10:
		return 0
	case 11:
		return 5
	default:
		return c
	}
}
