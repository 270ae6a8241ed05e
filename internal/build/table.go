package build

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// publishTable puts a table between the markers "<!-- name -->" and "<!-- /name -->" of a file.
func publishTable(file, name, table, command string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the page for a table: %w", err)
	}
	updated, err := replaceTable(string(text), name, table)
	if err != nil {
		return fmt.Errorf("update %s: %w", file, err)
	}
	return publish(file, updated, command)
}

// replaceTable returns the text with another table between the markers.
func replaceTable(text, name, table string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("find the lines %q and %q: not there", strings.TrimSpace(begin), end)
	}
	return before + begin + strings.TrimSpace(table) + "\n" + end + after, nil
}

// publish writes a file that a target makes, if it has changed. In CI a change is an error: what
// is committed has to be what the target makes.
func publish(file, text, command string) error {
	if bytes.Equal(contents(file), []byte(text)) {
		return nil
	}
	if EnvSet("CI") {
		return fmt.Errorf("%s is not what %q makes: run it and commit the file", file, command)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	fmt.Printf("%s has changed\n", file)
	return nil
}

// cell makes a text fit into one cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
