package customrag.local;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;

import com.github.mustachejava.Mustache;
import com.github.mustachejava.MustacheException;

import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.bytes.BytesArray;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.ScriptPlugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.rest.action.RestRefCountedChunkedToXContentListener;
import org.elasticsearch.rest.action.search.RestSearchAction;
import org.elasticsearch.script.Script;
import org.elasticsearch.script.ScriptContext;
import org.elasticsearch.script.ScriptEngine;
import org.elasticsearch.script.ScriptException;
import org.elasticsearch.script.ScriptService;
import org.elasticsearch.script.ScriptType;
import org.elasticsearch.script.TemplateScript;
import org.elasticsearch.script.mustache.CustomMustacheFactory;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentType;

/**
 * Search templates for a build without the module lang-mustache.
 *
 * Maven Central has that module only up to 7.17. Its dialect of mustache ({@code toJson},
 * {@code join}, {@code url}, the escaping) works in 8.19. Its script engine and its routes do not,
 * because their interfaces changed. So the dialect is Elastic's, and the rest is here: stored
 * scripts, {@code _search/template} and {@code _render/template}. They follow
 * https://www.elastic.co/guide/en/elasticsearch/reference/8.19/search-template.html (read 2026-11).
 * There is no {@code _msearch/template}.
 */
public final class SearchTemplates extends Plugin implements ScriptPlugin, ActionPlugin {
    private static final Set<String> KEYS = Set.of("id", "source", "params", "explain", "profile");

    private static final String JSON = "application/json";
    private static final String LANGUAGE = "mustache";

    private ScriptService scripts;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        scripts = services.scriptService();
        return List.of();
    }

    @Override
    public ScriptEngine getScriptEngine(Settings settings, Collection<ScriptContext<?>> contexts) {
        return new Engine();
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
        Settings settings,
        NamedWriteableRegistry registry,
        RestController controller,
        ClusterSettings clusterSettings,
        IndexScopedSettings indexSettings,
        SettingsFilter filter,
        IndexNameExpressionResolver resolver,
        Supplier<DiscoveryNodes> nodes,
        Predicate<NodeFeature> supports
    ) {
        return List.of(new SearchHandler(supports), new RenderHandler());
    }

    private static final class Engine implements ScriptEngine {
        @Override
        public String getType() {
            return LANGUAGE;
        }

        @Override
        public Set<ScriptContext<?>> getSupportedContexts() {
            return Set.of(TemplateScript.CONTEXT, TemplateScript.INGEST_CONTEXT);
        }

        @Override
        public <T> T compile(
            String name, String source, ScriptContext<T> context, Map<String, String> options
        ) {
            String type = options.getOrDefault(Script.CONTENT_TYPE_OPTION, JSON);
            CustomMustacheFactory factory = new CustomMustacheFactory(
                type.startsWith(JSON) ? JSON : type
            );
            try {
                Mustache template = factory.compile(new StringReader(source), "query-template");
                TemplateScript.Factory made = params -> new Template(template, params);
                return context.factoryClazz.cast(made);
            } catch (MustacheException error) {
                throw new ScriptException(error.getMessage(), error, List.of(), source, LANGUAGE);
            }
        }
    }

    private static final class Template extends TemplateScript {
        private final Mustache template;

        Template(Mustache template, Map<String, Object> params) {
            super(params);
            this.template = template;
        }

        @Override
        public String execute() {
            StringWriter text = new StringWriter();
            template.execute(text, getParams());
            return text.toString();
        }
    }

    private final class SearchHandler extends BaseRestHandler {
        private final Predicate<NodeFeature> supports;

        SearchHandler(Predicate<NodeFeature> supports) {
            this.supports = supports;
        }

        @Override
        public String getName() {
            return "search_template_action";
        }

        @Override
        public List<Route> routes() {
            return List.of(
                new Route(RestRequest.Method.GET, "/_search/template"),
                new Route(RestRequest.Method.POST, "/_search/template"),
                new Route(RestRequest.Method.GET, "/{index}/_search/template"),
                new Route(RestRequest.Method.POST, "/{index}/_search/template")
            );
        }

        @Override
        protected Set<String> responseParams() {
            return RestSearchAction.RESPONSE_PARAMS;
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client)
            throws IOException {
            SearchRequest search = new SearchRequest();
            RestSearchAction.parseSearchRequest(
                search, request, null, supports, size -> search.source().size(size)
            );
            Map<String, Object> body = body(request);
            SearchSourceBuilder source = SearchSourceBuilder.searchSource();
            try (XContentParser parser = parser(request, render(body, null))) {
                source.parseXContent(parser, false, supports);
            }
            source.explain(Boolean.TRUE.equals(body.get("explain")));
            source.profile(Boolean.TRUE.equals(body.get("profile")));
            search.source(source);
            return channel -> client.search(
                search, new RestRefCountedChunkedToXContentListener<>(channel)
            );
        }
    }

    private final class RenderHandler extends BaseRestHandler {
        @Override
        public String getName() {
            return "render_search_template_action";
        }

        @Override
        public List<Route> routes() {
            return List.of(
                new Route(RestRequest.Method.GET, "/_render/template"),
                new Route(RestRequest.Method.POST, "/_render/template"),
                new Route(RestRequest.Method.GET, "/_render/template/{id}"),
                new Route(RestRequest.Method.POST, "/_render/template/{id}")
            );
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client)
            throws IOException {
            String rendered = render(body(request), request.param("id"));
            return channel -> {
                XContentBuilder answer = channel.newBuilder().startObject();
                answer.rawField(
                    "template_output", new BytesArray(rendered).streamInput(), XContentType.JSON
                );
                channel.sendResponse(new RestResponse(RestStatus.OK, answer.endObject()));
            };
        }
    }

    private static Map<String, Object> body(RestRequest request) throws IOException {
        if (request.hasContentOrSourceParam() == false) {
            return Map.of();
        }
        try (XContentParser parser = request.contentOrSourceParamParser()) {
            Map<String, Object> body = parser.mapOrdered();
            for (String key : body.keySet()) {
                if (KEYS.contains(key) == false) {
                    throw new IllegalArgumentException(
                        "[search_template] unknown field [" + key + "]"
                    );
                }
            }
            return body;
        }
    }

    @SuppressWarnings("unchecked")
    private String render(Map<String, Object> body, String named) throws IOException {
        Object id = named != null ? named : body.get("id");
        Object source = body.get("source");
        if (id == null && source == null) {
            throw new IllegalArgumentException("template is missing");
        }
        Object given = body.get("params");
        Map<String, Object> params = given == null ? Map.of() : (Map<String, Object>) given;
        Script script = id != null
            ? new Script(ScriptType.STORED, null, id.toString(), params)
            : new Script(ScriptType.INLINE, LANGUAGE, text(source), params);
        return scripts.compile(script, TemplateScript.CONTEXT).newInstance(params).execute();
    }

    /** A source may be a text, or the JSON object itself. */
    @SuppressWarnings("unchecked")
    private static String text(Object source) throws IOException {
        if (source instanceof Map) {
            try (XContentBuilder builder = XContentBuilder.builder(XContentType.JSON.xContent())) {
                return Strings.toString(builder.map((Map<String, Object>) source));
            }
        }
        return source.toString();
    }

    private static XContentParser parser(RestRequest request, String rendered) throws IOException {
        return XContentType.JSON.xContent().createParser(request.contentParserConfig(), rendered);
    }
}
