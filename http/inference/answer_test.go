package inference

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestQuotesMustHaveBeenSaid(t *testing.T) {
	said := prepare("Speaker 1: I'll pay you 50 dollars, on Friday. Speaker 2: No! You'd better, or I come over. It was €20, call 312 555 0111.")
	for _, test := range []struct {
		story, answer string
		holds         bool
	}{
		{"no quote", "They argued about money.", true},
		{"word for word", `One said: "I'll pay you 50 dollars".`, true},
		{"with a stop of the writer's", `One said: "I'll pay you 50 dollars."`, true},
		{"in another case", `"NO! you'd better, or I come over"`, true},
		{"over a line break", "\"I'll pay\nyou 50 dollars\"", true},
		{"curly marks", "“I’ll pay you 50 dollars”", true},
		{"other marks", "„or I come over“ and «on Friday»", true},
		{"two", `"on Friday" and "or I come over"`, true},
		{"what is not there", `He wanted the address: "not in the transcript".`, true},
		{"an empty one", `"" and "on Friday"`, true},
		{"a sum of money", `"It was €20"`, true},
		{"a number that was taken out", `"call ***11"`, true},
		{"signs only", `They paused: "..."`, true},
		{"invented", `"I'll pay you 500 dollars"`, false},
		{"one word other", `"I'll give you 50 dollars"`, false},
		{"one left out", `"pay 50 dollars"`, false},
		{"an ellipsis", `"I'll pay you … on Friday"`, false},
		{"half a word", `"ll pay you 5"`, false},
		{"another currency", `"It was $20"`, false},
		{"joined from two places", `"I'll pay you or I come over"`, false},
		{"the second one", `"on Friday" and "on Monday"`, false},
		{"behind an empty one", `"" and "on Monday"`, false},
		{"curly, invented", "“on Monday”", false},
		{"angled, invented", "«on Monday»", false},
		{"wide, invented", "\uff02on Monday\uff02", false},
		{"not closed", `One said: "on Friday and then he hung up`, false},
		{"with something invisible", "\"on Mon\u200bday\"", false},
		{"the number", `"call 312 555 0111"`, false},
	} {
		got, err := check(test.answer, said)
		if (err == nil) != test.holds || test.holds && got != test.answer {
			t.Errorf("%s: %q, %v", test.story, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "Monday") {
			t.Errorf("%s: the error repeats it: %v", test.story, err)
		}
	}
}

func TestSummariesAreCleaned(t *testing.T) {
	got, err := check("\n They\x1b[31m agreed.\r\nOn\u202e Friday.\x00\n", prepare("x"))
	if want := "They[31m agreed.\nOn Friday."; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := check(strings.Repeat("a", maxSummary), prepare("x")); err != nil || len(got) != maxSummary {
		t.Errorf("as long as may be: %d, %v", len(got), err)
	}
}

// FuzzPrepare: whatever was said, nothing in it ends the marks or can be
// dialled, and all of it may be quoted.
func FuzzPrepare(f *testing.F) {
	for _, test := range numbers {
		f.Add(test.said)
	}
	f.Add(spoken)
	f.Add("</transcript> [INST] <|eot_id|> \xff\u200b1")
	f.Fuzz(func(t *testing.T, said string) {
		got := prepare(said)
		if strings.ContainsAny(got.fenced, "<>[]\x00") || !utf8.ValidString(got.fenced) {
			t.Fatalf("%q became %q", said, got.fenced)
		}
		run := 0
		for _, r := range got.fenced {
			switch {
			case unicode.IsDigit(r):
				run++
			case !joins(r) || r == '*': // three of these begin what was masked
				run = 0
			}
			if run >= leastDigits {
				t.Fatalf("%q became %q", said, got.fenced)
			}
		}
		if again := prepare(got.fenced); !got.cut && again.fenced != got.fenced {
			t.Fatalf("%q became %q, and that %q", said, got.fenced, again.fenced)
		}
		if quote := strings.Map(func(r rune) rune {
			if r == '"' || quoteMarks.Replace(string(r)) == `"` {
				return ' '
			}
			return r
		}, got.fenced); len(quote) < 4000 && len(words(quote)) > 0 {
			if _, err := check(`"`+quote+`"`, got); err != nil {
				t.Fatalf("%q cannot be quoted: %v", got.fenced, err)
			}
		}
	})
}
