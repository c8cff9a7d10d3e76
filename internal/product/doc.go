// Package product is what the hub knows of the products it acts for.
//
// A product is a file ([Product], read by [Default] or [Load]): a third product
// is another file, not code. Its kind decides the contract it is spoken to by:
// [Screening] or [Capture], each a client of the OpenAPI document [Contract]
// answers.
//
// Every call that changes something takes an [Effect], so that the product can
// refuse what comes twice, too late or from an earlier time. Every error of a
// client is an [*Error], which says whether the act was done.
package product
