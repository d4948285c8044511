package detector

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// text says a finding in words.
func (f *Finding) text() Text {
	en, vi := length(f.Window.End.Sub(f.Window.Start))
	n, usual := number(f.Observed), number(f.Expected)
	switch f.Rule {
	case ruleLimit:
		return Text{
			EN: fmt.Sprintf("%s in %s; the limit is %s.", plural(n, "parcel"), en, usual),
			VI: fmt.Sprintf("%s bưu gửi trong %s; giới hạn là %s.", comma(n), vi, comma(usual)),
		}
	case ruleBurst, ruleSurge:
		whose, whoseVI := "this sender usually sends", "người gửi này thường gửi"
		if f.Baseline.Source == Others {
			whose, whoseVI = "a sender without a past sends", "một người gửi chưa có lịch sử gửi"
		}
		return Text{
			EN: fmt.Sprintf("%s in %s, where %s %s.", plural(n, "parcel"), en, whose, usual),
			VI: fmt.Sprintf("%s bưu gửi trong %s, trong khi %s %s.", comma(n), vi, whoseVI, comma(usual)),
		}
	case ruleFanout:
		return Text{
			EN: fmt.Sprintf("%s in %s to recipients that this sender never sent to, where %s were to be expected.", plural(n, "parcel"), en, usual),
			VI: fmt.Sprintf("%s bưu gửi trong %s đến những người nhận mà người gửi này chưa từng gửi, trong khi chỉ nên có %s.", comma(n), vi, comma(usual)),
		}
	case ruleFanin:
		return Text{
			EN: fmt.Sprintf("%s in %s to this recipient, where %s were to be expected.", plural(n, "sender"), en, usual),
			VI: fmt.Sprintf("%s người gửi trong %s đến người nhận này, trong khi chỉ nên có %s.", comma(n), vi, comma(usual)),
		}
	case ruleLaneBurst:
		return Text{
			EN: fmt.Sprintf("%s in %s on this lane, where %s were to be expected.", plural(n, "parcel"), en, usual),
			VI: fmt.Sprintf("%s bưu gửi trong %s trên tuyến này, trong khi chỉ nên có %s.", comma(n), vi, comma(usual)),
		}
	case ruleStructuring:
		return Text{
			EN: fmt.Sprintf("%s in %s on this lane that are new, where %s were to be expected.", plural(n, "sender"), en, usual),
			VI: fmt.Sprintf("%s người gửi mới trên tuyến này trong %s, trong khi chỉ nên có %s.", comma(n), vi, comma(usual)),
		}
	case ruleWeight:
		return Text{
			EN: fmt.Sprintf("A parcel of %s g, where this sender's usually have about %s g.", n, usual),
			VI: fmt.Sprintf("Bưu gửi nặng %s g, trong khi người gửi này thường gửi khoảng %s g.", comma(n), comma(usual)),
		}
	case ruleValue:
		return Text{
			EN: fmt.Sprintf("A parcel of a value of %s, where this sender's usually have about %s.", n, usual),
			VI: fmt.Sprintf("Bưu gửi trị giá %s, trong khi người gửi này thường gửi khoảng %s.", comma(n), comma(usual)),
		}
	}
	return Text{
		EN: fmt.Sprintf("%s in %s to %s, where %s were to be expected from this sender's routes.", plural(n, "parcel"), en, f.Place, usual),
		VI: fmt.Sprintf("%s bưu gửi trong %s đến %s, trong khi theo các tuyến của người gửi này chỉ nên có %s.", comma(n), vi, f.Place, comma(usual)),
	}
}

func (i *incident) closingText() Text {
	return Text{
		EN: fmt.Sprintf("Quiet since %s, after %s over the threshold; the highest score was %s.",
			i.LastFound.Format("2006-01-02 15:04"), plural(strconv.FormatInt(i.ItemsEver, 10), "shipment"), number(i.Top.Score)),
		VI: fmt.Sprintf("Không có dấu hiệu mới từ %s; %d bưu gửi vượt ngưỡng, điểm cao nhất %s.",
			i.LastFound.Format("2006-01-02 15:04"), i.ItemsEver, comma(number(i.Top.Score))),
	}
}

// number writes a count whole and anything else with two digits that matter.
func number(x float64) string {
	switch {
	case x == float64(int64(x)):
		return strconv.FormatInt(int64(x), 10)
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x < 0.01:
		return "less than 0.01"
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

func plural(n, word string) string {
	if n == "1" {
		return n + " " + word
	}
	return n + " " + word + "s"
}

// comma turns a number into Vietnamese spelling.
func comma(n string) string {
	n = strings.Replace(n, "less than", "dưới", 1)
	return strings.Replace(n, ".", ",", 1)
}

func length(d time.Duration) (en, vi string) {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		n := d / (24 * time.Hour)
		return fmt.Sprintf("%d days", n), fmt.Sprintf("%d ngày", n)
	case d%time.Hour == 0:
		n := d / time.Hour
		return fmt.Sprintf("%d h", n), fmt.Sprintf("%d giờ", n)
	}
	return fmt.Sprintf("%d min", d/time.Minute), fmt.Sprintf("%d phút", d/time.Minute)
}
