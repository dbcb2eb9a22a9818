package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
)

// table prints the results for people, with the limit beside what was measured.
func table(w io.Writer, results []result) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(columns, "bench\tours\ttheirs\tunit\tratio\tlimit\tlower bound\t")
	for _, r := range results {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t\n", r.Name, short(r.Ours), short(r.Theirs), r.Unit, r.Ratio, verdict(r), nearness(r))
	}
	return columns.Flush()
}

// short writes a measured value with three significant digits.
func short(value float64) string {
	digits := 2
	if value != 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(math.Abs(value)))))
	}
	return fmt.Sprintf("%.*f", digits, value)
}

// nearness formats the lower bound and the ratio of ours to it.
func nearness(r result) string {
	if r.LowerBound == 0 {
		return "-"
	}
	return fmt.Sprintf("%s × %.2f", short(r.LowerBound), r.Ours/r.LowerBound)
}

func verdict(r result) string {
	switch {
	case r.most != 0 && r.Ours <= r.most:
		return fmt.Sprintf("ours ≤ %.2f %s kept", r.most, r.Unit)
	case r.most != 0:
		return fmt.Sprintf("ours ≤ %.2f %s EXCEEDED", r.most, r.Unit)
	case r.limit == 0:
		return "-"
	case r.Ratio <= r.limit:
		return fmt.Sprintf("≤ %.2f kept", r.limit)
	default:
		return fmt.Sprintf("≤ %.2f EXCEEDED", r.limit)
	}
}

// write leaves the results as JSON in the file, whole or not at all.
func write(file string, results []result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the results: %w", err)
	}
	if err := os.WriteFile(file+".tmp", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}
