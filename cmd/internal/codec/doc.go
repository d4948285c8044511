// Package codec turns bytes into events and alerts, flags and dead letters into bytes.
//
// Events come in the flat format: a JSON object with event_id, event_time, sender_id, recipient_id, item_id, event_type,
// origin, destination, weight_g, declared_value, currency, service and operator (or carrier). See Decoder for what each
// may be. Alerts go out in the flat format, see AppendAlert.
package codec
