// Package hub is the domain: the words of the ledger and the rules that hold
// for every product and every ATS. It talks to nothing.
//
//	Connection  checking → active ⇄ degraded → reauth_required
//	            active | degraded → paused → active
//	            any → uninstalling → deleted
//
//	Event       open → settled(acted | skipped | parked)
//
//	Action      ready → sending → done
//	                    sending → ready        (refused for now, tried again)
//	                    sending → uncertain    (sent, no answer) → done | ready
//	            ready | uncertain → cancelled | parked | skipped
//	  a join    sending → armed → done(joined) | missed | cancelled
//
//	Work        later → ready → dispatched → running → deleted | later
//
// An event and the actions it causes are written in one transaction; an action
// is claimed under the rules of that moment; its key is natural and is never
// deleted.
package hub
