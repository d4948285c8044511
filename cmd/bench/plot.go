package main

import (
	"math"

	"github.com/go-analyze/charts"

	"github.com/parcelsentry/parcelsentry/cmd/internal/bench"
)

// plot draws a curve as SVG: events a second by the left axis, CPU an event by the right one, both from zero. Points stand as far
// apart as their neighbours, whatever lies between them: most curves double or multiply at each.
func plot(c *bench.Curve, results []bench.Result) ([]byte, error) {
	paces, costs, labels := make([]float64, len(results)), make([]float64, len(results)), make([]string, len(results))
	for i := range results {
		r := &results[i]
		paces[i], costs[i], labels[i] = r.Pace(), r.PerEvent(r.System()), r.At
		if r.Cut {
			labels[i] += " (cut)"
		}
	}
	o := charts.NewLineChartOptionWithData([][]float64{paces, costs})
	o.Title.Text = c.Varies
	o.Legend.SeriesNames = []string{"events/s", "system µs an event"}
	o.Legend.Offset = charts.OffsetStr{Left: charts.PositionRight}
	o.XAxis.Labels = labels
	o.SeriesList[1].YAxisIndex = 1
	o.YAxis = []charts.YAxisOption{fromZero(o.Theme, 0, paces), fromZero(o.Theme, 1, costs)}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: 720, Height: 360})
	if err := p.LineChart(o); err != nil {
		return nil, err
	}
	return p.Bytes()
}

// fromZero is an axis in the colour of its series, up to a round number.
func fromZero(theme charts.ColorPalette, series int, values []float64) charts.YAxisOption {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	zero, end := 0.0, roundUp(top)
	return charts.YAxisOption{Theme: theme.WithYAxisSeriesColor(series), Min: &zero, Max: &end, LabelCount: 6}
}

// roundUp gives the least of 1, 2, 2.5 and 5 times a power of ten that is no less; 1 for nothing.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 2.5, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}
