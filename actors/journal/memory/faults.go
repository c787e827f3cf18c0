package memory

import "sync"

// Fail makes the next commit that begins fail before it writes anything.
// Called twice, it fails the next two.
func (e *Engine) Fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.before = append(e.before, err)
}

// FailAfter makes the next commit write everything and report err all the same,
// as a database does whose answer is lost on the way.
func (e *Engine) FailAfter(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.after = append(e.after, err)
}

// FailProbe makes the next probe fail, and so the next Resume.
func (e *Engine) FailProbe(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probes = append(e.probes, err)
}

// Hold makes commits wait until release is called, which may be done more than
// once. Questions are answered meanwhile.
func (e *Engine) Hold() (release func()) {
	gate := make(chan struct{})
	e.mu.Lock()
	e.gate = gate
	e.mu.Unlock()
	return sync.OnceFunc(func() {
		e.mu.Lock()
		if e.gate == gate {
			e.gate = nil
		}
		e.mu.Unlock()
		close(gate)
	})
}

// HoldAnswer makes the next question for the call of a session wait with its
// answer until release is called: by then it is out of date, perhaps.
func (e *Engine) HoldAnswer() (release func()) {
	gate := make(chan struct{})
	e.mu.Lock()
	e.slow = gate
	e.mu.Unlock()
	return sync.OnceFunc(func() { close(gate) })
}

// Commits is how many commits wrote something.
func (e *Engine) Commits() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.commits
}

// Closes is how often a Group has closed the engine.
func (e *Engine) Closes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closes
}
