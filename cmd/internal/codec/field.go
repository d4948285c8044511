package codec

import "github.com/valyala/fastjson"

// A field is one name of the flat format.
type field int

const (
	eventID field = iota
	eventTime
	senderID
	recipientID
	itemID
	eventType
	origin
	destination
	weightG
	declaredValue
	currency
	service
	operator
	carrier // another name of operator, which goes first
	fields
)

func (f field) String() string {
	return [fields]string{
		"event_id", "event_time", "sender_id", "recipient_id", "item_id", "event_type", "origin", "destination",
		"weight_g", "declared_value", "currency", "service", "operator", "carrier",
	}[f]
}

// fieldNamed gives fields for a name that is none. A switch is several times as fast as a map.
func fieldNamed(name []byte) field {
	switch string(name) {
	case "event_id":
		return eventID
	case "event_time":
		return eventTime
	case "sender_id":
		return senderID
	case "recipient_id":
		return recipientID
	case "item_id":
		return itemID
	case "event_type":
		return eventType
	case "origin":
		return origin
	case "destination":
		return destination
	case "weight_g":
		return weightG
	case "declared_value":
		return declaredValue
	case "currency":
		return currency
	case "service":
		return service
	case "operator":
		return operator
	case "carrier":
		return carrier
	}
	return fields
}

// kindOf says in words what a JSON value is.
func kindOf(t fastjson.Type) string {
	switch t {
	case fastjson.TypeObject:
		return "an object"
	case fastjson.TypeArray:
		return "an array"
	case fastjson.TypeString:
		return "a string"
	case fastjson.TypeNumber:
		return "a number"
	case fastjson.TypeNull:
		return "null"
	}
	return "true or false"
}
