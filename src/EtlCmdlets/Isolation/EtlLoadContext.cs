using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace EtlTools.Cmdlets.Isolation;

/// <summary>
/// Holds the engine and all its packages, so that another module's Npgsql or AWSSDK.Core in the same session neither
/// serves nor disturbs them. Only this assembly sits in the session's own context.
/// </summary>
internal sealed class EtlLoadContext : AssemblyLoadContext
{
    private const string EngineName = "EtlTools.Core";

    private static readonly EtlLoadContext Instance = new(
        Path.Combine(Path.GetDirectoryName(typeof(EtlLoadContext).Assembly.Location)!, "core"));

    private readonly string _folder;

    private EtlLoadContext(string folder)
        : base("EtlTools") => _folder = folder;

    // Never unsubscribed: types bound through the handler outlive Remove-Module, and a second import must find the same ones.
#pragma warning disable CA2255 // A module initializer is the only code that surely runs before a type of the engine is needed.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Subscribe() => Default.Resolving += Resolve;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var path = Path.Combine(_folder, assemblyName.Name + ".dll");
        return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName assemblyName) =>
        assemblyName.Name == EngineName ? Instance.LoadFromAssemblyName(assemblyName) : null;
}
