package golden

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
)

// takesObject matches the parameters for which JSON text and a hashtable mean different things.
var takesObject = regexp.MustCompile(`(?i)^-(b|bo|bod|body\w*|i|inp|input\w*)$`)

// Words are the words for this tool, nil when the case cannot be said in words. A hashtable of the
// recording goes to -BodyParameter and -InputObject as a data literal, since JSON text means
// something else there, and to other parameters as JSON text (D23).
func (r Record) Words() []string {
	if r.Argv != nil || r.ArgvJSON == nil {
		return r.Argv
	}
	words := append([]string{}, r.ArgvJSON...)
	for i := 1; i < len(words); i++ {
		if !takesObject.MatchString(words[i-1]) || !strings.HasPrefix(words[i], "{") && !strings.HasPrefix(words[i], "[") {
			continue
		}
		if text, err := Literal(words[i]); err == nil {
			words[i] = text
		}
	}
	return words
}

// Literal writes a JSON text as a PowerShell data literal with the same members in the same order.
// Of a repeated name the last value counts, at the place of the first.
func Literal(text string) (string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	out, err := literal(d)
	if err != nil {
		return "", err
	}
	if _, err := d.Token(); err != io.EOF {
		return "", errors.New("text after the JSON value")
	}
	return out, nil
}

func literal(d *json.Decoder) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return hashtable(d)
		}
		return array(d)
	case string:
		return quote(v), nil
	case bool:
		if v {
			return "$true", nil
		}
		return "$false", nil
	case json.Number:
		return v.String(), nil
	}
	return "$null", nil
}

func hashtable(d *json.Decoder) (string, error) {
	var names []string
	values := map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return "", err
		}
		value, err := literal(d)
		if err != nil {
			return "", err
		}
		key := name.(string)
		if _, again := values[key]; !again {
			names = append(names, key)
		}
		values[key] = value
	}
	entries := make([]string, len(names))
	for i, name := range names {
		entries[i] = quote(name) + "=" + values[name]
	}
	_, err := d.Token()
	return "@{" + strings.Join(entries, "; ") + "}", err
}

func array(d *json.Decoder) (string, error) {
	var items []string
	for d.More() {
		item, err := literal(d)
		if err != nil {
			return "", err
		}
		items = append(items, item)
	}
	_, err := d.Token()
	return "@(" + strings.Join(items, ",") + ")", err
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
