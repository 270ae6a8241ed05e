package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes everything that the report holds, for [ReadJSON] and for other programs.
func WriteJSON(w io.Writer, r *Report) error {
	if err := r.check(); err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// ReadJSON reads what [WriteJSON] wrote. It refuses fields that it does not know: they are of
// another version, and a report without them says something else.
func ReadJSON(from io.Reader) (*Report, error) {
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	r := &Report{}
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}
