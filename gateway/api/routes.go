package api

// routes.go: every address of the API on one screen, with the permission each
// asks for. Backend: the product's backend by itself. View: everyone the
// product lets in. The others are held by roles of the product file.

import (
	"net/http"

	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/service"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete

	view    = service.View
	backend = service.Backend
	install = product.PermissionManageIntegration
	jobs    = product.PermissionManageJobPosts

	pathKeys = "/v1/keys"

	tenant     = "/v1/tenants/{tenant}"
	connection = tenant + "/connections/{connection}"
	link       = tenant + "/job-links/{link}"
	action     = tenant + "/actions/{action}"
)

func (a *API) table() {
	route(a, get, "/v1/connectors", view, "The connectors the product may use", a.listConnectors)
	route(a, get, "/v1/connectors/{connector}", view, "One connector: its credential fields, permissions and abilities", a.readConnector)
	route(a, get, "/v1/products", view, "The product: its fields, roles and statuses", a.listProducts)

	route(a, post, "/v1/tenants", backend, "Create the tenant of an organisation, or rename it", a.putTenant)
	route(a, get, "/v1/tenants", backend, "The product's tenants", a.listTenants)
	route(a, get, tenant, view, "One tenant", a.readTenant)
	route(a, post, pathKeys, backend, "Create an API key", a.createKey)
	route(a, get, pathKeys, backend, "The product's API keys", a.listKeys)
	route(a, del, pathKeys+"/{key}", backend, "Revoke an API key", a.revokeKey)

	route(a, get, tenant+"/connections", view, "The tenant's connections", a.listConnections)
	route(a, post, tenant+"/connections", install, "Install: connect the ATS", a.installConnection)
	route(a, get, connection, view, "One connection with its check report; a removed one with its receipt", a.readConnection)
	route(a, del, connection, install, "Uninstall", a.uninstallConnection)
	route(a, post, connection+"/check", install, "Check the credential now", a.checkConnection)
	route(a, post, connection+"/pause", install, "Pause: nothing is begun until resumed", a.pauseConnection)
	route(a, post, connection+"/resume", install, "Resume", a.resumeConnection)
	route(a, put, connection+"/credentials", install, "Relink: another credential of the same company", a.relinkConnection)
	route(a, put, connection+"/capture-mode", install, "Back to choosing jobs individually; Import All goes through a plan", a.setCaptureMode)

	route(a, get, connection+"/jobs", view, "The jobs of the ATS, live", a.listJobs)
	route(a, get, connection+"/jobs/{job}/stages", view, "A job's stages and sub-stages, live", a.listStages)
	route(a, post, connection+"/roles", jobs, "Choose roles; each is switched off at first", a.chooseRoles)
	route(a, post, connection+"/plans", jobs, "Preview what switching on would do; changes nothing", a.makePlan)
	route(a, get, tenant+"/plans/{plan}", jobs, "A preview as it was shown", a.readPlan)
	route(a, post, tenant+"/plans/{plan}/activation", jobs, "Switch on what the preview showed", a.activatePlan)

	route(a, get, tenant+"/job-links", view, "Job integrations, or roles with their toggles", a.listLinks)
	route(a, get, link, view, "One job link with its triggers", a.readLink)
	route(a, del, link, jobs, "Delete the job integration", a.removeLink)
	route(a, post, link+"/off", jobs, "Switch off at once", a.switchOff)
	route(a, post, link+"/syncs", jobs, "Synchronize now", a.syncNow)
	route(a, get, link+"/syncs", view, "Syncs of the job and what each changed", a.listSyncs)
	route(a, get, tenant+"/syncs/{sync}", view, "One sync", a.readSync)
	route(a, get, link+"/applications", view, "Candidates of the job and where each stands", a.listApplications)

	route(a, get, tenant+"/interviews", view, "Sessions to come, and whether each will be joined", a.listInterviews)
	route(a, get, tenant+"/actions", view, "Everything the hub did, does or will not do outside", a.listActions)
	route(a, get, action, view, "One action", a.readAction)
	route(a, post, action+"/cancellation", jobs, "Cancel what was not begun", a.cancelAction)
	route(a, post, action+"/again", jobs, "Do it again, on record", a.againAction)
	route(a, post, action+"/retry", jobs, "Try anew what waits for a decision", a.retryAction)
	route(a, get, tenant+"/events", view, "Everything heard or found, and what became of it", a.listEvents)
	route(a, get, tenant+"/events/{event}", view, "One event", a.readEvent)
	route(a, get, connection+"/explain", view, "Everything about one candidate of a job, or one interview, in order", a.explain)
}
