package main

import "github.com/atshub/atshub/sdk/serve"

func main() { serve.Serve(newConnector()) }
