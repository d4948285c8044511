package detector

import "github.com/parcelsentry/parcelsentry/windows"

// family is one thing counted of one kind of entity: what a population has a usual rate of.
type family int

const (
	senderParcels family = iota
	senderNewRecipients
	recipientSenders
	laneParcels
	laneNewSenders
	families
)

func (f family) kind() windows.Kind {
	switch f {
	case recipientSenders:
		return KindRecipient
	case laneParcels, laneNewSenders:
		return KindLane
	}
	return KindSender
}

func (f family) measure() windows.Measure {
	switch f {
	case senderParcels, laneParcels:
		return measureItems
	}
	return measureFresh
}
