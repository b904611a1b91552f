// Command invoke-mgupload does what the upload cmdlets of the Microsoft Graph
// PowerShell SDK do.
package main

import (
	"context"
	"os"

	"invoke-mgupload/internal/cli"
)

func main() { os.Exit(cli.Main(context.Background(), cli.System())) }
