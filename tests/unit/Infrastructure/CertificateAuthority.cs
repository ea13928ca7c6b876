using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EtlTools.Tests.Infrastructure;

/// <summary>An authority of a test, which issues certificates for servers of the test.</summary>
public sealed class CertificateAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public CertificateAuthority()
    {
        var request = new CertificateRequest("CN=EtlTools tests", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    public Task WriteAsync(string file) => File.WriteAllTextAsync(file, _authority.ExportCertificatePem());

    /// <summary>Writes a certificate for a host and its key, which only its owner may read.</summary>
    public async Task IssueAsync(string host, string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, _authority.NotBefore, _authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    public void Dispose()
    {
        _authority.Dispose();
        _key.Dispose();
    }
}
