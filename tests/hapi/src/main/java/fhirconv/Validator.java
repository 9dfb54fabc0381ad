package fhirconv;

import com.google.gson.JsonPrimitive;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.formats.JsonParser;
import org.hl7.fhir.r5.model.CodeSystem;
import org.hl7.fhir.r5.model.Enumerations.CodeSystemContentMode;
import org.hl7.fhir.r5.model.Enumerations.PublicationStatus;
import org.hl7.fhir.r5.model.OperationOutcome;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.utilities.FhirPublication;
import org.hl7.fhir.utilities.http.ManagedWebAccess;
import org.hl7.fhir.validation.ValidationEngine;
import org.hl7.fhir.validation.instance.advisor.BasePolicyAdvisorForFullValidation;
import org.hl7.fhir.validation.service.StandAloneValidatorFetcher;

/**
 * HL7's validator, offline: one file name a line in, one line of JSON with its OperationOutcome out.
 *
 * <p>Arguments: the FHIR version, the core package and any further packages (name#version), all in
 * the package cache of user.home.
 */
public final class Validator {

  private static final Stream<String> MIME_TYPES =
      Stream.of(
          "application/fhir+json", "application/jats+xml", "application/json", "application/pdf",
          "application/xml", "text/html", "text/plain", "text/xml");

  public static void main(String[] arguments) throws Exception {
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // the engine prints as it likes; the answers must stand alone
    ManagedWebAccess.setAccessPolicy(ManagedWebAccess.WebAccessPolicy.PROHIBITED);
    ValidationEngine engine = engine(arguments[0], Arrays.asList(arguments).subList(1, arguments.length));
    answers.println("ready " + engine.getVersion());
    BufferedReader names = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String name = names.readLine(); name != null; name = names.readLine()) {
      answers.println(answer(engine, name));
    }
    System.exit(0);
  }

  private static ValidationEngine engine(String version, List<String> packages) throws Exception {
    ValidationEngine engine =
        new ValidationEngine.ValidationEngineBuilder()
            .withVersion(version)
            .withNoTerminologyServer()
            .fromSource(packages.get(0));
    for (String further : packages.subList(1, packages.size())) {
      String[] nameAndVersion = further.split("#");
      engine.loadPackage(nameAndVersion[0], nameAndVersion[1]);
    }
    engine.getContext().cacheResource(codes("urn:ietf:bcp:13", MIME_TYPES));
    engine.getContext().cacheResource(codes("urn:ietf:bcp:47", languages()));
    engine.setTerminologyServer(null, null, FhirPublication.fromCode(version), false);
    advise(engine);
    engine.prepare();
    return engine;
  }

  /** Set up the engine as HL7's command line does, with references looked up in the bundle only. */
  private static void advise(ValidationEngine engine) throws Exception {
    var fetcher =
        new StandAloneValidatorFetcher(engine.getPcm(), engine.getContext(), engine) {
          @Override
          public boolean fetchesCanonicalResource(IResourceValidator validator, String url) {
            return false; // what is not in the packages stays unknown: there is no network
          }
        };
    fetcher.setReferencePolicy(ReferenceValidationPolicy.IGNORE);
    engine.setFetcher(fetcher);
    engine.getContext().setLocator(fetcher);
    engine.setPolicyAdvisor(fetcher);
    fetcher.setPolicyAdvisor(
        new BasePolicyAdvisorForFullValidation(
            fetcher.getReferencePolicy(), engine.getCheckReferencesTo()));
  }

  private static Stream<String> languages() {
    return Stream.concat(
            Arrays.stream(Locale.getISOLanguages()),
            Arrays.stream(Locale.getAvailableLocales()).map(Locale::toLanguageTag))
        .distinct();
  }

  /** Stand in for the terminology server, which alone knows these code systems of the internet. */
  private static CodeSystem codes(String url, Stream<String> codes) {
    CodeSystem system = new CodeSystem();
    system.setId(url.replace(':', '-'));
    system.setUrl(url).setStatus(PublicationStatus.ACTIVE);
    system.setContent(CodeSystemContentMode.COMPLETE);
    codes.forEach(code -> system.addConcept().setCode(code));
    return system;
  }

  private static String answer(ValidationEngine engine, String name) throws Exception {
    byte[] json = Files.readAllBytes(Path.of(name));
    OperationOutcome outcome;
    try {
      outcome = engine.validate(json, FhirFormat.JSON, List.of(), new ArrayList<>());
    } catch (RuntimeException error) {
      outcome = new OperationOutcome(); // it falls over some input; the next may be fine
      outcome
          .addIssue()
          .setSeverity(OperationOutcome.IssueSeverity.FATAL)
          .setCode(OperationOutcome.IssueType.EXCEPTION)
          .getDetails()
          .setText("the validator falls over: " + error.getClass().getSimpleName());
    }
    return "{\"file\":" + new JsonPrimitive(name)
        + ",\"outcome\":" + new JsonParser().composeString(outcome) + "}";
  }
}
