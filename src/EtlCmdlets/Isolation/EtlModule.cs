using System.Management.Automation;

namespace EtlTools.Cmdlets.Isolation;

/// <summary>
/// Import-Module makes one of these. Reflection alone does not run a module initializer, and PowerShell reads the
/// commands' attributes by reflection: this is the first code that runs, and with it the engine can be found.
/// </summary>
public sealed class EtlModule : IModuleAssemblyInitializer
{
    public void OnImport()
    {
    }
}
