package auth

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Environment is one national cloud, or one the user added.
type Environment struct {
	Name            string
	AzureADEndpoint string // origin of the sign-in service
	GraphEndpoint   string // origin of Graph
	Type            string // "Built-in" or "User-defined"; "" if a file left it out
}

// The names that mean something to this program.
const (
	GlobalEnvironment = "Global"
	// EmulatorEnvironment is the program's own emulator. It takes no token, so
	// it is not in the table, but nobody may take its name.
	EmulatorEnvironment = "Emulator"
)

// The targets of the environment cmdlets' ShouldProcess question. The
// operation is the environment's name (env.add-builtin-whatif).
const (
	AddTarget    = "adding environment"
	SetTarget    = "updating environment"
	RemoveTarget = "removing environment"
)

// BuiltinEnvironments returns the seven national clouds, Global first.
func BuiltinEnvironments() []Environment {
	const t = "Built-in"
	return []Environment{
		{GlobalEnvironment, "https://login.microsoftonline.com", "https://graph.microsoft.com", t},
		{"USGov", "https://login.microsoftonline.us", "https://graph.microsoft.us", t},
		{"USGovDoD", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", t},
		{"China", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", t},
		{"BleuCloud", "https://login.sovcloud-identity.fr", "https://graph.svc.sovcloud.fr", t},
		{"DelosCloud", "https://login.sovcloud-identity.de", "https://graph.svc.sovcloud.de", t},
		{"GovSGCloud", "https://login.sovcloud-identity.sg", "https://graph.svc.sovcloud.sg", t},
	}
}

// Environments returns all of them: built-in, then those of PowerShell's own
// ~/.mg/mg.context.json, then those added here. A later one replaces an
// earlier one of the same name, built-in ones too. A broken ~/.mg file counts
// as empty (env.get-broken-file).
func (a *Auth) Environments() []Environment {
	all := BuiltinEnvironments()
	for _, e := range a.powershellEnvironments() {
		all = put(all, e)
	}
	f, _ := a.load()
	for _, e := range f.Environments {
		all = put(all, e)
	}
	return all
}

// FindEnvironment returns the environments of that name, none or one, since
// Get-MgEnvironment reports no error for an unknown one
// (env.get-name-nowhere).
func (a *Auth) FindEnvironment(name string) []Environment {
	all := a.Environments()
	if i := find(all, name); i >= 0 {
		return all[i : i+1]
	}
	return nil
}

// Environment resolves a name to the place requests go to. The empty name
// means the session's environment or, without one, Global.
func (a *Auth) Environment(name string) (Environment, error) {
	if name == "" {
		name = GlobalEnvironment
		if f, _ := a.load(); f.Session != nil && f.Session.Environment != "" {
			name = f.Session.Environment
		}
	}
	if e := a.FindEnvironment(name); len(e) == 1 {
		return e[0], nil
	}
	return Environment{}, fail(KindNoEnvironment, "",
		"Unable to find environment with name '%s'. Use Get-MgEnvironment to list available environments.", name)
}

// CheckEnvironment finds what is wrong with the words of Add-MgEnvironment
// (full) or Set-MgEnvironment, where empty URLs mean no change. It comes
// before the question whether to go on; that a name is built in or a URL
// missing is found out only after (env.add-builtin-whatif).
func CheckEnvironment(full bool, name, azureAD, graph string) error {
	if strings.TrimSpace(name) == "" {
		return fail(KindArgument, "", "Must specify 'Name'.")
	}
	if _, ok := origin(azureAD); !ok && (full || azureAD != "") {
		return badURL("AzureADEndpoint")
	}
	if _, ok := origin(graph); !ok && (full || graph != "") {
		return badURL("GraphEndpoint")
	}
	return nil
}

func badURL(param string) error {
	return fail(KindArgument, "", "Parameter '%s' has an invalid endpoint URL. "+
		"Please use a valid URL with a network protocol i.e. [protocol]://[resource-name].", param)
}

// AddEnvironment adds one or, if the name is taken in any case, changes it,
// and returns it as stored (env.add-duplicate-case).
func (a *Auth) AddEnvironment(name, azureAD, graph string) (Environment, error) {
	return a.changeEnvironment("add", true, name, azureAD, graph)
}

// SetEnvironment changes one; an empty URL stays as it was. An unknown name is
// added when both URLs are given (env.set-unknown).
func (a *Auth) SetEnvironment(name, azureAD, graph string) (Environment, error) {
	return a.changeEnvironment("change", false, name, azureAD, graph)
}

func (a *Auth) changeEnvironment(verb string, full bool, name, azureAD, graph string) (Environment, error) {
	if err := CheckEnvironment(full, name, azureAD, graph); err != nil {
		return Environment{}, err
	}
	if isBuiltin(name) {
		return Environment{}, fail(KindBuiltin, "", "Cannot %s built-in environment %s.", verb, name)
	}
	e := Environment{Name: name, Type: "User-defined"}
	if old := a.FindEnvironment(name); len(old) == 1 {
		e.Name, e.AzureADEndpoint, e.GraphEndpoint = old[0].Name, old[0].AzureADEndpoint, old[0].GraphEndpoint
	}
	if azureAD != "" {
		e.AzureADEndpoint, _ = origin(azureAD)
	}
	if graph != "" {
		e.GraphEndpoint, _ = origin(graph)
	}
	if !full && (e.AzureADEndpoint == "" || e.GraphEndpoint == "") {
		return Environment{}, badURL("GraphEndpoint or AzureADEndpoint")
	}
	return e, a.update(func(f *file) error {
		f.Environments = put(f.Environments, e)
		return nil
	})
}

// RemoveEnvironment removes one the user added and returns it.
func (a *Auth) RemoveEnvironment(name string) (Environment, error) {
	if isBuiltin(name) {
		return Environment{}, fail(KindBuiltin, "", "Cannot remove built-in environment %s.", name)
	}
	var gone Environment
	err := a.update(func(f *file) error {
		i := find(f.Environments, name)
		if i < 0 {
			return a.noSuchEnvironment(name)
		}
		gone = f.Environments[i]
		f.Environments = slices.Delete(f.Environments, i, i+1)
		return nil
	})
	return gone, err
}

func (a *Auth) noSuchEnvironment(name string) error {
	advice := ""
	if find(a.powershellEnvironments(), name) >= 0 {
		advice = "It is one of PowerShell's, in ~/.mg/mg.context.json: remove it there."
	}
	return fail(KindNotFound, advice, "Environment %s not found. (Parameter 'name')", name)
}

// powershellEnvironments reads the file of the real module, which is never
// written here.
func (a *Auth) powershellEnvironments() []Environment {
	if a.env.Home == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(a.env.Home, ".mg", "mg.context.json"))
	if err != nil {
		return nil
	}
	var f struct{ EnvironmentTable map[string]Environment }
	if err := json.Unmarshal(trimBOM(data), &f); err != nil {
		a.debug("~/.mg/mg.context.json is not read: it is not the JSON PowerShell writes")
		return nil
	}
	var list []Environment
	for key, e := range f.EnvironmentTable {
		if e.Name == "" {
			e.Name = key
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Environment) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func trimBOM(b []byte) []byte {
	return []byte(strings.TrimPrefix(string(b), "\ufeff"))
}

func find(list []Environment, name string) int {
	return slices.IndexFunc(list, func(e Environment) bool { return strings.EqualFold(e.Name, name) })
}

func put(list []Environment, e Environment) []Environment {
	if i := find(list, e.Name); i >= 0 {
		list[i] = e
		return list
	}
	return append(list, e)
}

func isBuiltin(name string) bool {
	return find(BuiltinEnvironments(), name) >= 0 || strings.EqualFold(name, EmulatorEnvironment)
}

// origin cuts a URL down to scheme, host in lower case and a port other than
// the default. An absolute URL without an authority is taken and yields ""
// (env.add-urn). User names in the URL are dropped: they don't belong in a file.
func origin(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || strings.ContainsAny(raw, " \t\"<>\\^`{|}") {
		return "", false
	}
	if u.Host == "" {
		return "", u.Opaque != ""
	}
	host := strings.ToLower(u.Hostname())
	if host == "" || strings.Contains(host, ":") && !strings.HasPrefix(u.Host, "[") && !strings.Contains(u.Host, "@[") {
		return "", false
	}
	port := u.Port()
	switch u.Scheme + ":" + port {
	case "https:443", "http:80", "ftp:21":
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host, true
}
