package fhirconv;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.imprt.BulkDataImportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.r5.JpaR5Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * A HAPI FHIR JPA server in memory, on loopback, for as long as standard input stays open.
 *
 * <p>-DclientIds=NOT_ALLOWED makes it one that chooses every id itself.
 */
public final class Server {

  public static void main(String[] arguments) throws Exception {
    Class<?> release = arguments[0].equals("R4") ? JpaR4Config.class : JpaR5Config.class;
    int port = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0;
    System.setProperty("spring.jndi.ignore", "true");
    var spring = new AnnotationConfigApplicationContext(release, Storage.class);
    System.out.println("ready " + listen(fhir(spring), port));
    untilInputCloses();
    System.exit(0);
  }

  private static RestfulServer fhir(ApplicationContext spring) {
    RestfulServer fhir = new RestfulServer(spring.getBean(FhirContext.class));
    fhir.registerProviders(spring.getBean(ResourceProviderFactory.class).createProviders());
    fhir.registerProvider(spring.getBean(JpaSystemProvider.class));
    fhir.registerProvider(spring.getBean(BulkDataImportProvider.class));
    fhir.setServerConformanceProvider(
        new JpaCapabilityStatementProvider(
            fhir,
            spring.getBean(IFhirSystemDao.class),
            spring.getBean(JpaStorageSettings.class),
            spring.getBean(ISearchParamRegistry.class),
            spring.getBean(IValidationSupport.class)));
    fhir.setPagingProvider(spring.getBean(DatabaseBackedPagingProvider.class));
    fhir.setDefaultResponseEncoding(EncodingEnum.JSON);
    return fhir;
  }

  private static String listen(RestfulServer fhir, int port) throws Exception {
    var jetty = new org.eclipse.jetty.server.Server();
    ServerConnector loopback = new ServerConnector(jetty);
    loopback.setHost("127.0.0.1");
    loopback.setPort(port);
    jetty.addConnector(loopback);
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(fhir), "/fhir/*");
    jetty.setHandler(context);
    jetty.start();
    return "http://127.0.0.1:" + loopback.getLocalPort() + "/fhir";
  }

  /** Wait for the end of standard input: a test run that dies takes its server with it. */
  private static void untilInputCloses() throws IOException {
    while (System.in.read() >= 0) {}
  }

  @Configuration
  @Import({
    HapiJpaConfig.class,
    ThreadPoolFactoryConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    SubscriptionChannelConfig.class
  })
  static class Storage {

    @Bean
    JpaStorageSettings storageSettings() {
      JpaStorageSettings settings = new JpaStorageSettings();
      String clientIds = System.getProperty("clientIds", "ALPHANUMERIC");
      settings.setResourceClientIdStrategy(
          JpaStorageSettings.ClientIdStrategyEnum.valueOf(clientIds));
      settings.setJobFastTrackingEnabled(true); // a bulk import is not to wait for the minute
      return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
      return new PartitionSettings();
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
      return new SubscriptionSettings();
    }

    @Bean
    DataSource dataSource() {
      BasicDataSource h2 = new BasicDataSource();
      h2.setDriver(new org.h2.Driver());
      h2.setUrl("jdbc:h2:mem:fhirconv;DB_CLOSE_DELAY=-1");
      return h2;
    }

    @Bean
    @Primary
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
        ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings settings) {
      var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
      Properties hibernate = new Properties();
      hibernate.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
      hibernate.put("hibernate.hbm2ddl.auto", "update");
      hibernate.put("hibernate.search.enabled", "false");
      factory.setPersistenceUnitName("fhirconv");
      factory.setDataSource(dataSource());
      factory.setJpaProperties(hibernate);
      return factory;
    }

    @Bean
    @Primary
    JpaTransactionManager transactionManager(EntityManagerFactory entities) {
      return new JpaTransactionManager(entities);
    }
  }
}
