package carrier

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"maskswitch/actors/phone"
)

// Completion is one request to the carrier's language models.
type Completion struct {
	At         time.Time
	Model      string
	Status     int      // as answered
	Recordings []string // whose transcripts were in it
	Leaks      []phone.Number
}

// completionRules are those of the published request. messages has more to it:
// see messagesOf.
var completionRules = with(group{
	"api_key_ref": {}, "best_of": {is: number64}, "early_stopping": {is: flag}, "enable_thinking": {is: flag},
	"frequency_penalty": {is: decimal}, "guided_choice": {is: list}, "guided_json": {is: object}, "guided_regex": {},
	"length_penalty": {is: decimal}, "logprobs": {is: flag}, "max_tokens": {is: number64}, "messages": {is: list, need: true},
	"min_p": {is: decimal}, "model": {}, "n": {is: decimal}, "presence_penalty": {is: decimal}, "response_format": {is: object},
	"seed": {is: number64}, "stop": {is: textOrList}, "stream": {is: flag}, "temperature": {is: decimal},
	"tool_choice": {words: []string{"none", "auto", "required"}}, "tools": {is: list}, "top_logprobs": {is: number64},
	"top_p": {is: decimal}, "use_beam_search": {is: flag},
})

// defaultModel answers who names none.
const defaultModel = "meta-llama/Meta-Llama-3.1-8B-Instruct"

// message is one of a request's.
type message struct{ role, content string }

// messagesOf reads the messages. The published content may have parts, which
// are for pictures: here it is a text.
func messagesOf(in body) ([]message, *problem) {
	given, _ := in["messages"].([]any)
	if len(given) == 0 {
		return nil, bad("10004", "/messages", "messages is empty")
	}
	var all []message
	for _, v := range given {
		m, _ := v.(map[string]any)
		role, _ := m["role"].(string)
		content, text := m["content"].(string)
		switch {
		case !slices.Contains([]string{"system", "user", "assistant", "tool"}, role):
			return nil, bad("10032", "/messages", "a message's role is one of: system, user, assistant, tool")
		case !text || len(m) != 2:
			return nil, bad("10015", "/messages", "a message has a role, a content that is a text, and nothing else")
		}
		all = append(all, message{role, content})
	}
	return all, nil
}

// complete plays a language model that says little, and nothing that is not in
// the text.
func (c *Carrier) complete(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	done := Completion{At: time.Now(), Status: http.StatusOK}
	in, p := completionRules.read(raw)
	var messages []message
	if p == nil {
		messages, p = messagesOf(in)
	}
	if p == nil && in.flag("stream") {
		p = bad("10015", "/stream", "this carrier does not stream")
	}
	done.Model = in.or("model", defaultModel)
	spoken := c.shelf.spokenOf(string(raw))
	for _, k := range spoken {
		done.Recordings = append(done.Recordings, k.ID)
		for _, n := range []string{k.from, k.to} {
			if d := digits(n); d != "" && strings.Contains(onlyDigits(string(raw)), d) {
				done.Leaks = append(done.Leaks, number(n))
			}
		}
	}
	if p != nil {
		done.Status = p.status
	}
	c.shelf.mu.Lock()
	c.shelf.completions = append(c.shelf.completions, done)
	c.shelf.mu.Unlock()
	if p != nil {
		writeJSON(w, p.status, map[string]any{"detail": []any{map[string]any{
			"loc": []string{"body", strings.TrimPrefix(p.pointer, "/")}, "msg": p.detail, "type": "value_error"}}})
		return
	}
	answer := "There is nothing in the transcript to sum up."
	if len(spoken) > 0 {
		answer = "The transcript has two people who arrange to meet. One of them says: \"" + promise + "\"."
	}
	words := 0
	for _, m := range messages {
		words += len(strings.Fields(m.content))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "chatcmpl-" + newID(), "object": "chat.completion", "created": done.At.Unix(), "model": done.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop",
			"message": map[string]string{"role": "assistant", "content": answer}}},
		"usage": map[string]int{"prompt_tokens": words, "completion_tokens": len(strings.Fields(answer)),
			"total_tokens": words + len(strings.Fields(answer))},
	})
}

// onlyDigits is a text without what people write between the digits of a number.
func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/", r) {
			return -1
		}
		return r
	}, text)
}

// Completions are all requests to the language models, in the order they came.
func (c *Carrier) Completions() []Completion {
	c.shelf.mu.RLock()
	defer c.shelf.mu.RUnlock()
	return slices.Clone(c.shelf.completions)
}

// isDecimal says whether a value is a number of any kind.
func isDecimal(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	_, err := n.Float64()
	return err == nil
}
