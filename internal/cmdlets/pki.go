package cmdlets

import "invoke-mgupload/pkg/params"

// pki: certificate authorities of certificate-based authentication.
var pki = []Cmdlet{
	{
		Name: "Invoke-MgUploadDirectoryPublicKeyInfrastructureCertificateBasedAuthConfiguration", Short: "pki",
		Version: V1, Module: "Microsoft.Graph.Identity.DirectoryManagement",
		Routes:     []string{"/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{certificateBasedAuthPki-id}/microsoft.graph.upload"},
		BodyType:   "IPaths135Qp0QDirectoryPublickeyinfrastructureCertificatebasedauthconfigurationsCertificatebasedauthpkiIdMicrosoftGraphUploadPostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "UploadUrl", JSON: "uploadUrl"}, {Name: "Sha256FileHash", JSON: "sha256FileHash"}},
		Identity:   "IIdentityDirectoryManagementIdentity",
		Permission: "PublicKeyInfrastructure.ReadWrite.All",
	},
	{
		Name: "Invoke-MgBetaUploadDirectoryPublicKeyInfrastructureCertificateBasedAuthConfiguration", Short: "pki-beta",
		Version: Beta, Module: "Microsoft.Graph.Beta.Identity.DirectoryManagement",
		Routes:     []string{"/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{certificateBasedAuthPki-id}/microsoft.graph.upload"},
		BodyType:   "IPaths135Qp0QDirectoryPublickeyinfrastructureCertificatebasedauthconfigurationsCertificatebasedauthpkiIdMicrosoftGraphUploadPostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "UploadUrl", JSON: "uploadUrl"}, {Name: "Sha256FileHash", JSON: "sha256FileHash"}},
		Identity:   "IIdentityDirectoryManagementIdentity",
		Permission: "PublicKeyInfrastructure.ReadWrite.All",
	},
}
