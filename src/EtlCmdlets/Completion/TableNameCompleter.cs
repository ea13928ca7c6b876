using EtlTools.Core.Configuration;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The tables of the source's configuration.</summary>
public sealed class TableNameCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>(
            [.. EtlProfiles.Load(context.ConfigurationFile, context.Folder).GetSource(context.Source).ReadTables().Tables
                .Select(table => new Choice(table.Name, $"{table.Importance}, {table.Strategy}"))]);
}
