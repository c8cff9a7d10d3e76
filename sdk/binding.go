package sdk

import (
	"context"
	"encoding/json"
)

// binding is a row of the table for one pair of request and answer types.
type binding[Q, R any] struct {
	name  string
	write bool
	field func(*Abilities) *Call[Q, R]
	find  func(Session) Call[Q, R] // nil when the session lacks the ability
}

func read[Q, R any](name string, field func(*Abilities) *Call[Q, R], find func(Session) Call[Q, R]) Binding {
	return binding[Q, R]{name: name, field: field, find: find}
}

func write[Q, R any](name string, field func(*Abilities) *Call[Q, R], find func(Session) Call[Q, R]) Binding {
	return binding[Q, R]{name: name, write: true, field: field, find: find}
}

// method finds an ability by the interface I that declares it.
func method[I, Q, R any](get func(I) Call[Q, R]) func(Session) Call[Q, R] {
	return func(s Session) Call[Q, R] {
		if i, ok := s.(I); ok {
			return get(i)
		}
		return nil
	}
}

func (b binding[Q, R]) Name() string { return b.name }
func (b binding[Q, R]) Write() bool  { return b.write }

func (b binding[Q, R]) Local(a *Abilities, s Session) bool {
	call := b.find(s)
	if call == nil {
		return false
	}
	*b.field(a) = call
	return true
}

func (b binding[Q, R]) Remote(a *Abilities, r Remote) {
	*b.field(a) = func(ctx context.Context, q Q) (R, error) {
		var answer R
		request, err := json.Marshal(q)
		if err != nil {
			return answer, &Error{Code: CodeInvalid, Message: "the request cannot be encoded", Fault: FaultHub, Outcome: NotDone}
		}
		body, err := r(ctx, b.name, b.write, request)
		if err != nil {
			return answer, err
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return answer, &Error{Code: CodeInternal, Message: "the connector's answer to " + b.name + " cannot be read", Fault: FaultConnector, Outcome: OutcomeUnknown}
		}
		return answer, nil
	}
}

func (b binding[Q, R]) Wrap(a *Abilities, around Around) {
	call := *b.field(a)
	if call == nil {
		return
	}
	*b.field(a) = func(ctx context.Context, q Q) (R, error) {
		ended := around(ctx, b.name)
		answer, err := call(ctx, q)
		ended(err)
		return answer, err
	}
}

func (b binding[Q, R]) Serve(ctx context.Context, a *Abilities, request []byte) ([]byte, error) {
	call := *b.field(a)
	if call == nil {
		return nil, &Error{Code: CodeUnsupported, Message: "the connector cannot " + b.name, Fault: FaultConnector, Outcome: NotDone}
	}
	var q Q
	if err := json.Unmarshal(request, &q); err != nil {
		return nil, &Error{Code: CodeInvalid, Message: "the request for " + b.name + " cannot be read", Fault: FaultHub, Outcome: NotDone}
	}
	answer, err := call(ctx, q)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: "the answer to " + b.name + " cannot be encoded", Fault: FaultConnector, Outcome: OutcomeUnknown}
	}
	return body, nil
}
