using EtlTools.Core.Configuration;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The profiles of etl.yaml.</summary>
public sealed class ProfileCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>(
            [.. EtlProfiles.Load(context.ConfigurationFile, context.Folder).Names.Select(name => new Choice(name, "profile"))]);
}
