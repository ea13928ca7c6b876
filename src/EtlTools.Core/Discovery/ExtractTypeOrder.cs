using EtlTools.Core.Configuration;

namespace EtlTools.Core.Discovery;

/// <summary>
/// The order in which extract types are loaded: those of the priority list, then parents before children, then by name.
/// </summary>
internal sealed class ExtractTypeOrder
{
    /// <summary>The rank of a type that the pipeline does not have: after all others.</summary>
    public const int Unknown = int.MaxValue;

    private readonly PipelineConfig _pipeline;
    private readonly Dictionary<string, int> _ranks;

    /// <param name="pipeline">Whose types.</param>
    /// <param name="priority">Names or aliases of types to put first, in this order.</param>
    /// <exception cref="EtlException">ExtractTypeUnknown.</exception>
    public ExtractTypeOrder(PipelineConfig pipeline, IReadOnlyList<string>? priority = null)
    {
        _pipeline = pipeline;
        var first = (priority ?? []).Select(name => Resolve(pipeline, name).Name).Distinct(StringComparer.Ordinal).ToList();
        var depths = Depths(pipeline);
        _ranks = pipeline.ExtractTypes
            .Select(type => type.Name)
            .OrderBy(name => first.IndexOf(name) is >= 0 and var place ? place : int.MaxValue)
            .ThenBy(name => depths[name])
            .ThenBy(name => name, StringComparer.Ordinal)
            .Select((name, rank) => (name, rank))
            .ToDictionary(entry => entry.name, entry => entry.rank, StringComparer.Ordinal);
    }

    /// <summary>Smaller is earlier; <see cref="Unknown"/> for a type that the pipeline does not have.</summary>
    public int Rank(string nameOrAlias) =>
        _pipeline.FindExtractType(nameOrAlias) is { } type ? _ranks[type.Name] : Unknown;

    /// <summary>The type with this name or alias.</summary>
    /// <exception cref="EtlException">ExtractTypeUnknown.</exception>
    public static ExtractTypeConfig Resolve(PipelineConfig pipeline, string nameOrAlias) =>
        pipeline.FindExtractType(nameOrAlias)
        ?? throw ExtractTypeUnknown.Error(
            $"The pipeline '{pipeline.Name}'", nameOrAlias, pipeline.ExtractTypes.Select(type => type.Name));

    // The longest way up to a type without parents. A circle, which the pipeline's reader refuses, counts as its start.
    private static Dictionary<string, int> Depths(PipelineConfig pipeline)
    {
        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var type in pipeline.ExtractTypes)
        {
            Depth(type, []);
        }

        return depths;

        int Depth(ExtractTypeConfig type, HashSet<string> below)
        {
            if (depths.TryGetValue(type.Name, out var known))
            {
                return known;
            }

            if (!below.Add(type.Name))
            {
                return 0;
            }

            var depth = type.Parents
                .Select(pipeline.FindExtractType)
                .OfType<ExtractTypeConfig>()
                .Select(parent => Depth(parent, below) + 1)
                .DefaultIfEmpty(0)
                .Max();
            below.Remove(type.Name);
            return depths[type.Name] = depth;
        }
    }
}
